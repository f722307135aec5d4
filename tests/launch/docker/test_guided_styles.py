"""A guided training by two workers, from `dr start-training` to its end, in all three styles."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from racing import HYPERPARAMETERS, QUICK, Racer

DOCKER = pytest.mark.docker
pytestmark = pytest.mark.slow
STYLES = ("process", pytest.param("compose", marks=DOCKER), pytest.param("swarm", marks=DOCKER))
RUN = {"process": "43", "compose": "44", "swarm": "45"}
CIRCLE = "width_m: 1.2\npath:\n  - {left_deg: 180, radius_m: 0.9}\n  - {left_deg: 180, radius_m: 0.9}\n"
ACTIONS = [{"steering_angle": angle, "speed": 1.5} for angle in (0.0, 10.0, 20.0)]


@pytest.mark.parametrize("style", STYLES)
def test_a_guided_training(
    request: pytest.FixtureRequest, new_racer: Callable[[], Racer], style: str
) -> None:
    racer = new_racer()
    settings = {
        "DR_WORKERS": "2",
        "DR_RUN_ID": RUN[style],
        "DR_DOCKER_STYLE": style,
        "DR_WORLD_NAME": "circle",
    }
    settings |= {"DR_TRAIN_METHOD": "guided", "DR_TRAIN_STOP_PROGRESS": "100", "DR_TRAIN_EVAL_INTERVAL": ""}
    if style != "process":
        request.getfixturevalue("simapp_image")
        settings |= {"DR_SIMAPP_VERSION": "test", "DR_MINIO_IMAGE": request.getfixturevalue("minio_image")}
    if style == "swarm":
        request.getfixturevalue("one_node_swarm")
    racer.write_run_env(**QUICK | settings)
    racer.write_hyperparameters(HYPERPARAMETERS | {"term_cond_max_episodes": 100_000})
    (racer.workspace.tracks / "circle.yaml").write_text(CIRCLE)
    metadata = racer.workspace.custom_files / "model_metadata.json"
    metadata.write_text(json.dumps(json.loads(metadata.read_text()) | {"action_space": ACTIONS}))
    try:
        done = racer.dr("start-training")
        assert done.returncode == 0, done.stderr
        assert "the model drives 1 of 1 laps, 15 of 15 from perturbed starts" in done.stdout
        assert "teacher, " in done.stderr
        seen = racer.status()
        assert (seen["state"], seen["phase"], seen["workers"]) == ("ended", "student", 2)
        assert seen["teacher"].endswith(": passed")
        assert racer.dr("evaluate", "--json").returncode == 0
    finally:
        racer.dr("stop-all", "-y")
