"""The Docker engine itself is stopped, or dies, in mid-run; when it is back, the run goes on where it was."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from polling import DEADLINE_S
from racing import ENDLESS, QUICK, Racer
from second_node import FurtherEngine, further_engine, why_not

pytestmark = pytest.mark.docker
Until = Callable[..., Any]


class Machine:
    """A racer on a machine of its own: `dr` in the network of a further engine."""

    def __init__(self, racer: Racer, engine: FurtherEngine) -> None:
        self.racer, self.engine = racer, engine

    def dr(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["nsenter", f"--net=/run/netns/{self.engine.namespace}", sys.executable, "-m", "drcli", *words],
            cwd=self.racer.root,
            env=self.racer.environment | {"DOCKER_HOST": self.engine.host},
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
            check=False,
        )

    def status(self) -> dict[str, Any]:
        done = self.dr("status", "--json")
        return json.loads(done.stdout) if done.returncode == 0 else {"workers": None, "iteration": None}


@pytest.fixture(scope="module")
def machine(new_racer: Callable[[], Racer], simapp_image: str, minio_image: str) -> Iterator[Machine]:
    if reason := why_not():
        pytest.skip(reason)
    with further_engine(5) as engine:
        for image in (simapp_image, minio_image):
            engine.load(image)
        racer = new_racer()
        settings = {"DR_WORLD_NAME": "drcli_oval", "DR_WORKERS": "2", "DR_SIMAPP_VERSION": "test"}
        settings |= {"DR_MINIO_IMAGE": minio_image, "DR_DOCKER_STYLE": "compose"}
        racer.write_run_env(**QUICK | settings | {"DR_LOCAL_S3_MODEL_PREFIX": "model"})
        racer.write_hyperparameters(ENDLESS)
        machine = Machine(racer, engine)
        started = machine.dr("start-training", "-q")
        assert started.returncode == 0, started.stderr
        yield machine
        machine.dr("stop-all", "-y")


def stop_in_good_order(engine: FurtherEngine) -> None:
    """As `systemctl stop docker`: containers are asked to end."""
    process = psutil.Process(int(Path(engine.root / "d.pid").read_text()))
    process.terminate()
    process.wait(120)


@pytest.mark.parametrize("end", [stop_in_good_order, FurtherEngine.kill], ids=["stopped", "killed"])
def test_the_run_goes_on(machine: Machine, end: Callable[[FurtherEngine], None], until: Until) -> None:
    before = until(lambda: (seen := machine.status())["last_checkpoint"] and seen)
    kept = int(before["last_checkpoint"].partition("_")[0])
    end(machine.engine)
    away = machine.dr("status")
    assert away.returncode == 1
    assert "The Docker engine does not respond" in away.stderr
    machine.engine.restart()
    until(lambda: machine.status()["workers"] == 2, every_s=0.5)
    after = machine.status()
    assert after["state"] == "running"
    assert after["iteration"] >= kept
    until(lambda: (machine.status()["iteration"] or 0) > after["iteration"] + 2, every_s=0.5)
