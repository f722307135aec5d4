"""A sweep whose variants are Compose projects, or stacks that Swarm places: two at a time, stopped, continued."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import docker
import pytest
from racing import HYPERPARAMETERS, QUICK, Racer

from drcli.contract.keys import ModelKeys
from drcli.store.checkpoints import list_checkpoints

pytestmark = [pytest.mark.slow, pytest.mark.docker]
CIRCLE = "width_m: 1.2\npath:\n  - {left_deg: 180, radius_m: 0.9}\n  - {left_deg: 180, radius_m: 0.9}\n"
FILE = (
    "settings: {DR_TRAIN_MAX_MINUTES: 20}\n"
    "grid: {hyperparameters.term_cond_max_episodes: [150, 200]}\n"
    "evaluate: {settings: {DR_EVAL_NUMBER_OF_TRIALS: 1}}\n"
    "rank_by: completion\n"
    "at_a_time: 2\n"
)
LABELS = {"compose": "com.docker.compose.project", "swarm": "com.docker.stack.namespace"}


def stacks(style: str) -> set[str]:
    """The stacks of trainings that have containers now."""
    label = LABELS[style]
    found = docker.from_env().containers.list(filters={"label": label})
    return {each.labels[label] for each in found if each.labels[label].startswith("deepracer-")}


def learned_steps(racer: Racer, prefix: str) -> int:
    """The steps that the newest checkpoint has learned from."""
    return max((name.steps for name in list_checkpoints(racer.bucket, ModelKeys(prefix))), default=0)


@pytest.mark.parametrize("style", ["compose", "swarm"])
def test_each_variant_is_a_stack(
    request: pytest.FixtureRequest,
    new_racer: Callable[[], Racer],
    simapp_image: str,
    minio_image: str,
    until: Any,
    style: str,
) -> None:
    if style == "swarm":
        request.getfixturevalue("one_node_swarm")
    racer = new_racer()
    settings = {"DR_DOCKER_STYLE": style, "DR_WORLD_NAME": "circle", "DR_SIMAPP_VERSION": "test"}
    settings |= {"DR_TRAIN_EVAL_INTERVAL": "10"}  # the store would be busy for minutes with all checkpoints
    racer.write_run_env(**QUICK | settings | {"DR_MINIO_IMAGE": minio_image, "DR_WORKERS": "1"})
    racer.write_hyperparameters(HYPERPARAMETERS)
    (racer.workspace.tracks / "circle.yaml").write_text(CIRCLE)
    (racer.root / "night.yaml").write_text(FILE)
    try:
        planned = racer.dr("sweep", "night.yaml", "--dry-run")
        assert "2 at a time:" in planned.stdout, planned.stderr
        started = racer.dr("sweep", "night.yaml", "-q")
        assert started.returncode == 0, started.stderr
        prefixes = ("night-tcme150", "night-tcme200")
        until(lambda: all(learned_steps(racer, prefix) > 0 for prefix in prefixes))
        assert stacks(style) == {"deepracer-98", "deepracer-99"}
        assert racer.dr("sweep", "stop").returncode == 0
        until(lambda: not stacks(style))
        ended = racer.dr("sweep", "night.yaml", "--json")
        assert ended.returncode == 0, ended.stderr
        document = json.loads(ended.stdout)
        assert [v["state"] for v in document["variants"]] == ["done", "done"], document
        assert all(len(v["results"]) == 1 and v["steps"] > 0 for v in document["variants"]), document
        assert not stacks(style)
    finally:
        racer.dr("sweep", "stop")
        racer.dr("stop-all", "-y")
