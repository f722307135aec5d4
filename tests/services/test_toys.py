"""A member of another package for every table that services look into: a real run with all of them together.

The package is `tests/toys`: one file and one line each, and nothing in drcli knows of them.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from drcli.contract.keys import ModelKeys
from drcli.store.checkpoints import list_checkpoints, read_checkpoint
from drcli.store.run_status import RunStatus, read_status
from drcli.store.simtrace import HEADER, read_csv
from drcli.tables import RACES
from drcli.train.checkpoint import unpack

TOYS = Path(__file__).parents[1] / "toys"
ACTIONS = [{"steering_angle": angle, "speed": 1.5} for angle in (-20, 0, 20)]
MODEL = {
    "action_space": ACTIONS, "action_space_type": "discrete", "sensor": ["EIGHT_NUMBERS"],
    "neural_network": "ONE_DENSE", "training_algorithm": "reinforce", "version": "5",
}  # fmt: skip
REWARD = """
def reward_function(params):
    [box] = params['objects_location']
    assert len(box) == 2
    return 1.0
"""
STATUS, ACTION = HEADER.index("episode_status"), HEADER.index("action")


def python_path() -> str:
    return os.pathsep.join([str(TOYS), *filter(None, [os.environ.get("PYTHONPATH")])])


@pytest.fixture
def toy_run(new_run: Callable[..., Any]) -> Any:
    run = new_run(PYTHONPATH=python_path(), DR_TRAIN_EVAL_INTERVAL="2")
    run.write(
        reward=REWARD,
        params={"RACE_TYPE": "ONE_BOX", "BOX_AHEAD": "0.1"},
        term_cond_max_episodes=10000,
        num_episodes_between_training=6,
        num_steps_between_training=None,
    )
    run.bucket.put("in/metadata.json", json.dumps(MODEL).encode())
    return run


def start(run: Any, program: str) -> Any:
    """As a process of its own, which finds the toys on its path."""
    return run.start(program, is_forked=False)


def iterations(trainer: Any) -> list[int]:
    return [int(number) for number in re.findall(r"Training iteration=(\d+)", trainer.log)]


def checkpoint(run: Any) -> tuple[str, Any]:
    name, files = read_checkpoint(run.bucket, run.keys, stale_lock_s=0.0)
    return str(name), unpack(files["safetensors"], str(name))


def export(run: Any, name: str) -> str:
    """The text of the checkpoint, made where the toys are on the path."""
    key = run.keys.checkpoint(name)
    run.bucket.download_file(key, run.folder / "checkpoint")
    code = (
        "import sys, pathlib; from drcli.config.model_metadata import ModelMetadata;"
        "from drcli.train.checkpoint import unpack; from drcli.train.exports.export import exported;"
        "data, metadata = (pathlib.Path(name).read_bytes() for name in sys.argv[1:]);"
        "found = exported(unpack(data, 'it'), ModelMetadata.parse(metadata, 'm'), ['text']);"
        "sys.stdout.buffer.write(found['txt'])"
    )
    (run.folder / "metadata.json").write_text(json.dumps(MODEL))
    done = subprocess.run(
        [sys.executable, "-c", code, run.folder / "checkpoint", run.folder / "metadata.json"],
        env={**os.environ, "PYTHONPATH": python_path()}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout


@pytest.mark.slow
def test_a_run_of_toys_is_trained_killed_resumed_evaluated_and_exported(toy_run: Any, until: Any) -> None:
    run = toy_run
    trainer, worker = start(run, "train"), start(run, "work")
    until(lambda: len(iterations(trainer)) >= 4)
    until(lambda: "Evaluation of checkpoint" in trainer.log)
    trainer.kill()
    assert trainer.wait() is None
    name, before = checkpoint(run)
    assert before.counters["iteration"] >= 2
    [updates] = [value[1] for value in before.state.values()]
    assert updates == before.counters["iteration"]  # the state of REINFORCE is stored with its network
    assert "main_level/agent/main/online/network_1/middleware_fc_embedder/Dense_0/kernel" in before.variables
    assert not [key for key in before.variables if "network_0" in key]  # it has no value network

    done = len(iterations(trainer))
    trainer = start(run, "train")
    until(lambda: len(iterations(trainer)) >= done + 3)
    assert f"model/{name}.safetensors" in trainer.log.partition("Restoring from path")[2]
    resumed = iterations(trainer)[done:]
    assert resumed[0] == before.counters["iteration"] + 1
    trainer.ask_to_stop()
    assert (trainer.wait(), worker.wait()) == (0, 0)

    status = read_status(run.bucket, "racer")
    assert status
    check_what_it_left(run, status, trainer.log, worker.log)
    name, after = checkpoint(run)
    assert after.state["baseline"][1] == after.counters["iteration"] == status.iteration
    evaluate(run)
    text = export(run, name)
    assert text.startswith("algorithm reinforce\n")
    assert "middleware_fc_embedder/Dense_0/kernel [8, 32]" in text


def check_what_it_left(run: Any, status: RunStatus, trainer_log: str, worker_log: str) -> None:
    assert (status.state, status.stop_reason) == ("ended", "stopped on request")
    assert len(list_checkpoints(run.bucket, run.keys)) >= 2
    assert "Policy training> Loss=" in trainer_log
    assert "Baseline=" in trainer_log
    steps, of_evaluations = map(int, re.findall(r"step_counter: (\d+) steps, (\d+) of", worker_log)[-1])
    assert steps >= status.steps > 0  # what was lost with the trainer was driven, too
    assert of_evaluations > 0
    traces = [info.key for info in run.bucket.list("racer/training-simtrace/")]
    rows = [row for key in traces for row in read_csv(run.bucket.get(key))]
    assert {row[STATUS] for row in rows} >= {"prepare", "in_progress", "crashed"}  # into the box
    assert {row[ACTION] for row in rows} == {0, 1, 2}


def evaluate(run: Any) -> None:
    """Drive the trained checkpoint past the box, or into it."""
    bucket = run.bucket.config.bucket
    document = {
        "JOB_TYPE": "EVALUATION", "WORLD_NAME": "tiny", "RACE_TYPE": "ONE_BOX", "BOX_AHEAD": "0.1",
        "MODEL_S3_BUCKET": [bucket], "MODEL_S3_PREFIX": ["racer"], "METRICS_S3_BUCKET": [bucket],
        "METRICS_S3_OBJECT_KEY": ["out/metrics.json"], "SIMTRACE_S3_BUCKET": [bucket],
        "SIMTRACE_S3_PREFIX": ["out"], "NUMBER_OF_TRIALS": "2",
    }  # fmt: skip
    run.bucket.put(run.keys.params("params.yaml"), json.dumps(document).encode())
    job = start(run, "evaluate")
    assert job.wait() == 0, job.log
    trials = json.loads(run.bucket.get("out/metrics.json"))["metrics"]
    assert len(trials) == 2
    assert {trial["episode_status"] for trial in trials} <= {"Crashed", "Off track", "Immobilized"}
    assert re.search(r"step_counter: 0 steps, [1-9]\d* of evaluations", job.log)


@pytest.mark.parametrize(
    ("what", "model", "params", "said"),
    [
        ("race", {}, {"RACE_TYPE": "TWO_BOXES"}, "There is no race type TWO_BOXES."),
        ("sensor", {"sensor": ["NINE_NUMBERS"]}, {}, "NINE_NUMBERS"),
        ("algorithm", {"training_algorithm": "magic"}, {}, "magic"),
        ("network", {"neural_network": "TWO_DENSE"}, {}, "TWO_DENSE"),
    ],
)
@pytest.mark.parametrize("program", ["train", "work"])
def test_what_is_in_no_table_is_refused_by_every_service(
    run: Any, program: str, what: str, model: dict[str, Any], params: dict[str, str], said: str
) -> None:
    run.write(params=params)
    metadata = json.loads(run.bucket.get("in/metadata.json"))
    run.bucket.put("in/metadata.json", json.dumps({**metadata, **model}).encode())
    service = run.start(program)
    assert service.wait() == 3
    _, _, error = service.log.partition("ERROR: ")
    assert said in error, what


def test_an_evaluation_refuses_an_unknown_race(run: Any) -> None:
    bucket = run.bucket.config.bucket
    document = {
        "JOB_TYPE": "EVALUATION", "WORLD_NAME": "tiny", "RACE_TYPE": "TWO_BOXES", "MODEL_S3_BUCKET": bucket,
        "MODEL_S3_PREFIX": "racer", "METRICS_S3_BUCKET": bucket, "METRICS_S3_OBJECT_KEY": "out/metrics.json",
    }  # fmt: skip
    run.bucket.put(ModelKeys("racer").params("params.yaml"), json.dumps(document).encode())
    service = run.start("evaluate")
    assert service.wait() == 3
    assert "ERROR: There is no race type TWO_BOXES." in service.log
    assert f"HINT: Choose one of: {', '.join(RACES)}." in service.log
