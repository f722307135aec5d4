"""Parts of a run in containers are killed for real: the run goes on, and no finished iteration is lost."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from typing import Any

import psutil
import pytest
from racing import ENDLESS, QUICK, Racer
from run_accounts import check_accounts

from drcli.config.load import load_settings
from drcli.launch.docker import containers, docker_engine
from drcli.launch.store_access import store_config
from drcli.store.client import Bucket

pytestmark = [
    pytest.mark.docker,
    pytest.mark.skipif(
        not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may kill what is in a container"
    ),
]
Until = Callable[..., Any]
RUN = {"compose": "51", "swarm": "52"}


class Run:
    """An endless training of two workers in containers."""

    def __init__(self, racer: Racer, style: str) -> None:
        self.racer, self.style = racer, style
        self.project = f"deepracer-{RUN[style]}"

    def status(self) -> dict[str, Any]:
        return self.racer.status()

    def containers(self, service: str) -> list[Any]:
        """Those that run now, also those of a swarm's tasks."""
        with docker_engine.speaking() as client:
            label = docker_engine.COMPOSE_PROJECT if self.style == "compose" else docker_engine.SWARM_STACK
            found = client.containers.list(filters={"label": f"{label}={self.project}"}, ignore_removed=True)
        names = (f"{self.project}-{service}-", f"{self.project}_{service}.")
        return [c for c in found if c.name.startswith(names)]

    def kill(self, service: str) -> None:
        """kill -9 of all processes of one container of a service."""
        kill(self.containers(service)[0])

    def bucket(self) -> Bucket:
        return Bucket(store_config(load_settings(self.racer.workspace, ()), self.racer.workspace))


def kill(container: Any) -> None:
    top = psutil.Process(container.attrs["State"]["Pid"])
    for process in (*top.children(recursive=True), top):
        process.send_signal(signal.SIGKILL)


@pytest.fixture(scope="module", params=("compose", "swarm"))
def run(
    request: pytest.FixtureRequest, new_racer: Callable[[], Racer], simapp_image: str, minio_image: str
) -> Iterator[Run]:
    style = str(request.param)
    if style == "swarm":
        request.getfixturevalue("one_node_swarm")
    racer = new_racer()
    settings = {
        "DR_WORLD_NAME": "drcli_oval",
        "DR_WORKERS": "2",
        "DR_RUN_ID": RUN[style],
        "DR_SIMAPP_VERSION": "test",
        "DR_MINIO_IMAGE": minio_image,
        "DR_DOCKER_STYLE": style,
        "DR_LOCAL_S3_MODEL_PREFIX": "model",
    }
    racer.write_run_env(**QUICK | settings)
    racer.write_hyperparameters(ENDLESS)
    try:
        started = racer.dr("start-training", "-q")
        assert started.returncode == 0, started.stderr
        yield Run(racer, style)
    finally:
        racer.dr("stop-all", "-y")


def goes_on(run: Run, until: Until) -> None:
    """Both workers are there, iterations are counted, a new checkpoint is made."""
    before = until(lambda: (seen := run.status())["iteration"] is not None and seen, 120)
    until(lambda: run.status()["workers"] == 2, 120)
    until(lambda: (run.status()["iteration"] or 0) > before["iteration"] + 2, 120)
    until(lambda: run.status()["last_checkpoint"] != before["last_checkpoint"], 120)


def test_a_worker_is_killed(run: Run, until: Until) -> None:
    iteration = run.status()["iteration"]
    run.kill("robomaker")
    goes_on(run, until)
    assert run.status()["iteration"] > iteration
    assert {s["name"] for s in run.status()["services"]} == {"sagemaker", "robomaker-1", "robomaker-2"}


def test_the_trainer_is_killed(run: Run, until: Until) -> None:
    """It goes on after its last checkpoint: iterations finished before that are not done again."""
    seen = until(lambda: (now := run.status())["last_checkpoint"] and now)
    kept = int(seen["last_checkpoint"].partition("_")[0])
    run.kill("sagemaker")
    until(lambda: run.status()["iteration"] >= kept)
    goes_on(run, until)
    trainer = next(s for s in run.status()["services"] if s["name"] == "sagemaker")
    assert trainer["restarts"] >= 1


def test_the_store_is_killed(run: Run, until: Until) -> None:
    (store,) = containers.of_project("s3")
    kill(store)
    goes_on(run, until)


def test_the_store_is_away_for_a_while(run: Run, until: Until) -> None:
    """Until the trainer has noticed that it cannot write."""
    (store,) = containers.of_project("s3")
    store.stop(timeout=1)
    until(lambda: "could not be written" in run.racer.invoke("logs", "sagemaker", "--tail", "20").stdout, 120)
    assert run.racer.invoke("status").exit_code == 0
    store.start()
    goes_on(run, until)


def test_stop_and_resume(run: Run, until: Until) -> None:
    """After all that the books still balance; and a resumed run goes on where the stopped one ended."""
    stopped = run.racer.invoke("stop-training")
    assert stopped.exit_code == 0, stopped.stderr
    check_accounts(run.bucket())
    iteration = run.status()["iteration"]
    resumed = run.racer.dr("start-training", "--resume", "-q")
    assert resumed.returncode == 0, resumed.stderr
    until(lambda: run.status()["iteration"] > iteration)
    assert run.racer.invoke("stop-training").exit_code == 0
    check_accounts(run.bucket())
