"""From a job to the words after `dr`: starting, continuing, stopping. Nothing that was learned is ever deleted."""

from __future__ import annotations

from dataclasses import replace

import pytest

from drcli.cloud.cloud_job import CloudJob, CloudState
from drcli.cloud.job_command import ModelState, start_words, stop_words

JOB = CloudJob("night", "b", "eu-west-1", ("start-training",), (), 3.0, False)
NEW = ModelState(has_run=False, is_empty=True, checkpoints=0)
BROKEN_OFF = ModelState(has_run=True, is_empty=False, checkpoints=0)
TRAINED = ModelState(has_run=True, is_empty=False, checkpoints=3)


def words(*command: str, model: ModelState, resume: bool = False) -> str:
    return " ".join(start_words(replace(JOB, command=command, resume=resume), model))


@pytest.mark.parametrize(
    ("command", "model", "expected"),
    [
        ("start-training", NEW, "start-training"),
        ("start-training", TRAINED, "start-training --resume"),
        ("start-training --resume", TRAINED, "start-training --resume"),
        ("start-training -w", NEW, "start-training -w -y"),
        # The user wants to start again: only the first time.
        ("start-training -w", replace(TRAINED, has_run=False), "start-training -w -y"),
        ("start-training -w", TRAINED, "start-training --resume"),
        ("start-training --wipe -q", TRAINED, "start-training --resume"),
        # An earlier machine ended before its first checkpoint.
        ("start-training", BROKEN_OFF, "start-training -w -y"),
        ("start-training --resume", BROKEN_OFF, "start-training -w -y"),
        # Somebody else's: `dr start-training` refuses, and says why.
        ("start-training", replace(BROKEN_OFF, has_run=False), "start-training"),
        ("start-training", replace(BROKEN_OFF, foreign=True), "start-training"),
        ("sweep night.yaml", TRAINED, "sweep night.yaml"),
        ("sweep night.yaml --wipe", NEW, "sweep night.yaml -w -y"),
        ("tune -w -y night.yaml", TRAINED, "tune night.yaml"),
    ],
)
def test_start(command: str, model: ModelState, expected: str) -> None:
    assert words(*command.split(), model=model) == expected


def test_resumed_by_its_user() -> None:
    assert words("start-training", model=replace(TRAINED, has_run=False), resume=True).endswith("--resume")
    assert words("start-training", "-w", model=replace(TRAINED, has_run=False), resume=True).endswith(
        "--resume"
    )
    assert words("start-training", model=NEW, resume=True) == "start-training"


def test_experiment_and_overrides_are_passed_on() -> None:
    job = replace(JOB, experiment="mine", overrides=("DR_SEED=3", "DR_CLOUD=local", "DR_RUN_ID=2"))
    expected = ("--set", "DR_SEED=3", "--set", "DR_RUN_ID=2")
    assert start_words(job, NEW) == ("-e", "mine", "start-training", *expected)
    assert stop_words(job) == ("-e", "mine", "stop-training", *expected)


@pytest.mark.parametrize(
    ("command", "stop"),
    [
        ("sweep", ("sweep", "stop")),
        ("tune", ("sweep", "stop")),
        ("race", ("stop-evaluation",)),
        ("models", ()),
    ],
)
def test_stop(command: str, stop: tuple[str, ...]) -> None:
    assert stop_words(replace(JOB, command=(command,))) == stop


def test_documents_can_be_read_by_an_older_version() -> None:
    job = replace(JOB, overrides=("A=b",), endpoint_url="http://nas:9000", experiment="mine")
    assert CloudJob.from_json(job.to_json()) == job
    assert CloudJob.from_json(job.to_json()[:-2] + b',\n"new": 1}') == job
    state = CloudState("interrupted", "m", "h", 1.0, 2.0, 75, 3.0, "i-1")
    assert CloudState.from_json(state.to_json()[:-2] + b',\n"new": 1}') == state and state.is_over
