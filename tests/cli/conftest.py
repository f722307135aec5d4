"""A racer's afternoon, done once with the real thing: what the commands said and left, for many tests to look at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import psutil
import pytest
from car_stand_in import car
from click.testing import Result
from polling import DEADLINE_S
from racing import ENDLESS, QUICK, Done, Racer, new_racer
from upload_targets import upload_targets

__all__ = ["car", "new_racer", "upload_targets"]


@dataclass(frozen=True)
class Finished:
    """A training followed to its end, then an evaluation of it."""

    racer: Racer
    training: Done
    evaluation: Result
    custom_files: dict[str, bytes]


@pytest.fixture(scope="session")
def finished(new_racer: Callable[[], Racer]) -> Finished:
    racer = new_racer()
    racer.open_bucket().put("model-10/keep.txt", b"a sibling")
    training = racer.dr("start-training")
    uploaded = {info.key: racer.bucket.get(info.key) for info in racer.bucket.list("custom_files/")}
    return Finished(racer, training, racer.invoke("evaluate", "--json"), uploaded)


@dataclass(frozen=True)
class Live:
    """A run of the experiment `live` beside the finished one: `-q`, looked at while it went on, stopped."""

    racer: Racer
    started: Done
    status: Result
    table: Result
    second: Result
    same_prefix: Result
    evaluation: Result
    command_lines: list[str]
    followed: str
    stops: list[Result]
    after: Result


@pytest.fixture(scope="session")
def live(finished: Finished) -> Live:
    racer = finished.racer
    assert racer.invoke("-e", "live", "init").exit_code == 0
    settings = {"DR_RUN_ID": "1", "DR_LOCAL_S3_MODEL_PREFIX": "live", "DR_LOCAL_S3_PRETRAINED": "True"}
    racer.write_run_env("live", **QUICK, **settings, DR_LOCAL_S3_PRETRAINED_PREFIX="model")
    racer.write_hyperparameters(ENDLESS, "live")
    run = ("-e", "live")
    started = racer.dr(*run, "start-training", "-q")
    logs = racer.popen(*run, "logs", "-f", "--tail", "0")
    status, table = racer.invoke(*run, "status", "--json"), racer.invoke(*run, "status")
    second = racer.invoke(*run, "start-training", "-w", "-y")
    same_prefix = racer.invoke(*run, "start-training", "-w", "-y", "--set", "DR_RUN_ID=2")
    evaluation = racer.invoke(*run, "evaluate", "--json", "--checkpoint", "last")
    command_lines = [" ".join(p.info["cmdline"] or ()) for p in psutil.process_iter(["cmdline"])]
    stops = [racer.invoke(*run, "stop-training") for _ in range(2)]
    followed, _ = logs.communicate(timeout=DEADLINE_S)
    after = racer.invoke(*run, "status", "--json")
    return Live(
        racer, started, status, table, second, same_prefix, evaluation, command_lines, followed, stops, after
    )
