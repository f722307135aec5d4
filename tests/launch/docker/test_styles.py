"""What `dr` promises of a run holds in all three styles: one suite of tests, with the real engine and real training."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from racing import ENDLESS, QUICK, Racer
from run_accounts import check_accounts

from drcli.config.load import load_settings
from drcli.launch import run_control
from drcli.launch.docker import all_stacks, containers, docker_engine
from drcli.launch.store_access import store_config
from drcli.store.client import Bucket

Until = Callable[..., Any]
DOCKER = pytest.mark.docker
pytestmark = pytest.mark.slow
STYLES = ("process", pytest.param("compose", marks=DOCKER), pytest.param("swarm", marks=DOCKER))
RUN = {"process": "40", "compose": "41", "swarm": "42"}


@dataclass(frozen=True)
class Running:
    """A racer whose endless training of two workers runs in some style."""

    racer: Racer
    style: str
    started: Any

    @property
    def bucket(self) -> Bucket:
        settings = load_settings(self.racer.workspace, ())
        return Bucket(store_config(settings, self.racer.workspace))

    def status(self) -> dict[str, Any]:
        return self.racer.status()

    def names(self) -> list[str]:
        return sorted(s["name"] for s in self.status()["services"] if s["state"] == "running")


@pytest.fixture(scope="module", params=STYLES)
def running(request: pytest.FixtureRequest, new_racer: Callable[[], Racer]) -> Iterator[Running]:
    style = str(request.param)
    racer = new_racer()
    settings = {"DR_WORKERS": "2", "DR_RUN_ID": RUN[style]}
    if style != "process":
        request.getfixturevalue("simapp_image")
        settings |= {"DR_SIMAPP_VERSION": "test", "DR_MINIO_IMAGE": request.getfixturevalue("minio_image")}
    if style == "swarm":
        request.getfixturevalue("one_node_swarm")
    settings |= {"DR_DOCKER_STYLE": style, "DR_LOCAL_S3_MODEL_PREFIX": "model"}
    racer.write_run_env(**QUICK | settings)
    racer.write_hyperparameters(ENDLESS)
    try:
        yield Running(racer, style, racer.dr("start-training", "-q"))
    finally:
        racer.dr("stop-all", "-y")


def test_start_waits_until_all_are_up(running: Running) -> None:
    assert running.started.returncode == 0, running.started.stderr
    seen = running.status()
    assert seen["state"] == "running"
    assert seen["workers"] == 2
    assert running.names() == ["robomaker-1", "robomaker-2", "sagemaker"]
    assert running.started.stderr.splitlines()[-1].startswith("next: dr status")


def test_a_second_start_is_refused(running: Running) -> None:
    again = running.racer.invoke("start-training", "-w", "-y")
    assert again.exit_code == 1
    assert f"The training of run {RUN[running.style]} is already running." in again.stderr


def test_logs_of_every_service(running: Running, until: Until) -> None:
    for words, text in (
        (("sagemaker",), "Training model on tiny"),
        (("robomaker", "-n", "2"), "SIM_TRACE_LOG"),
    ):
        until(
            lambda words=words, text=text: text in running.racer.invoke("logs", *words, "--tail", "0").stdout
        )
    until(lambda: len(running.racer.invoke("logs", "robomaker", "--tail", "3").stdout.splitlines()) == 3)
    assert running.racer.invoke("logs", "minio").exit_code == 0
    wrong = running.racer.invoke("logs", "robomaker", "-n", "9")
    assert wrong.exit_code == 1


def test_no_container_holds_the_root_s_key(running: Running) -> None:
    if running.style == "process":
        return
    secret = json.loads(running.racer.workspace.store_key.read_text())["secret_key"]
    labels = [f"{docker_engine.WORKSPACE}={running.racer.root}"]
    found = docker_engine.client().containers.list(filters={"label": labels})
    holders = {c.name for c in found if secret in str(c.attrs["Config"]["Env"])}
    assert holders == {c.name for c in containers.of_project("s3")}


def test_an_evaluation_beside_it(running: Running, until: Until) -> None:
    until(lambda: (running.status()["last_checkpoint"] or "0_").partition("_")[0] != "0")
    done = running.racer.invoke("evaluate", "--json", "--checkpoint", "last")
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["trials"][0]["trial"] == 1  # what has learned nothing uses its resets up
    assert running.status()["evaluation"]["state"] == "ended"
    assert running.status()["state"] == "running"


def test_scaling_loses_nothing(running: Running, until: Until) -> None:
    for workers in (3, 1, 2):
        scaled = running.racer.invoke("scale", str(workers))
        assert scaled.exit_code == 0, scaled.stderr
        assert len(running.names()) == workers + 1
        until(lambda workers=workers: running.status()["workers"] == workers)
        steps = running.status()["steps"]
        until(lambda steps=steps: running.status()["steps"] > steps + 64)


def test_stop_leaves_a_whole_model(running: Running) -> None:
    """The last of the module: traces, metrics and counters tell the same, and nothing of ours goes on."""
    stopped = running.racer.invoke("stop-training")
    assert (stopped.exit_code, "has stopped" in stopped.stdout) == (0, True), stopped.stderr
    again = running.racer.invoke("stop-training")
    assert (again.exit_code, "is running" in again.stdout) == (0, True)
    seen = running.status()
    assert seen["state"] == "ended"
    assert running.names() == []
    assert "SIM_TRACE_LOG" in running.racer.invoke("logs", "robomaker").stdout
    check_accounts(running.bucket)
    if running.style != "process":
        project = f"deepracer-{RUN[running.style]}"
        assert containers.of_project(project) == []
        assert project not in all_stacks.projects()
        assert not [v for v in docker_engine.client().volumes.list() if v.name.startswith(project)]
    assert running.racer.invoke("stop-all").exit_code == 0
    assert not list(run_control.running(running.racer.workspace))
