"""A style of another package: one file and one line in its entry points, and all commands work with it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from drcli.errors import UsageError
from drcli.launch import run_control
from drcli.launch.launcher import launcher_of
from drcli.launch.run_folder import RunFolder
from drcli.tables import LAUNCHERS

TOYS = Path(__file__).parents[1] / "toys"
Racer = Any


@pytest.fixture
def toys(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The package of toys is installed."""
    monkeypatch.syspath_prepend(str(TOYS))
    LAUNCHERS.__dict__.pop("_others", None)
    yield
    LAUNCHERS.__dict__.pop("_others", None)


@pytest.fixture
def racer(new_racer: Callable[[], Racer], toys: None) -> Racer:
    racer = new_racer()
    racer.write_run_env(DR_SEED="7")
    with racer.workspace.system_env.open("a") as file:
        file.write("DR_DOCKER_STYLE=recording\n")
    return racer


def test_a_run_from_start_to_stop(racer: Racer) -> None:
    started = racer.invoke("start-training", "-q", "--set", "DR_WORKERS=2")
    assert started.exit_code == 0, started.stderr
    assert "robomaker-2 is up." in started.stderr
    folder = RunFolder.of(racer.workspace, "training", 0)
    plan = launcher_of("recording").read_plan(folder)
    assert (plan.seed, plan.replicas, plan.prefix) == (7, {"sagemaker": 1, "robomaker": 2}, "model")
    assert racer.bucket.exists("model/reward_function.py")  # the store is the default one
    assert racer.status()["state"] == "running"
    assert [service["name"] for service in racer.status()["services"]] == [
        "sagemaker",
        "robomaker-1",
        "robomaker-2",
    ]
    assert "is already running" in racer.invoke("start-training", "-w", "-y").stderr
    assert "The training of run 0 uses the store" in racer.invoke("store", "stop").stderr
    assert racer.invoke("scale", "3").exit_code == 0
    assert racer.status()["services"][-1]["name"] == "robomaker-3"
    assert racer.invoke("logs", "robomaker", "-n", "3").stdout == "robomaker-3 was started by nobody.\n"
    assert racer.invoke("summary", "--json").exit_code == 0
    assert racer.invoke("stop-training").stdout == "The training of run 0 has stopped.\n"
    assert not run_control.is_running(racer.workspace, "training", 0)
    assert (folder.path / "asked").read_text().splitlines() == ["start", "scale 3", "stop"]


def test_what_would_be_started(racer: Racer) -> None:
    for command, services in (
        ("start-training", {"sagemaker": 1, "robomaker": 1}),
        ("evaluate", {"robomaker": 1}),
    ):
        (stack,) = json.loads(racer.invoke(command, "--dry-run", "--json").stdout)["stacks"]
        assert (stack["style"], stack["replicas"]) == ("recording", services)
    assert not racer.workspace.runs.exists()


def test_a_style_that_nobody_has_is_refused(racer: Racer) -> None:
    said = racer.invoke("start-training", "--set", "DR_DOCKER_STYLE=podman")
    assert said.exit_code == 2
    assert "process, compose, swarm" in said.stderr
    with pytest.raises(UsageError, match="no style podman"):
        launcher_of("podman")
