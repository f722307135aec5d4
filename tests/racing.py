"""Somebody with a workspace and a shell, for tests that use `dr` as its users do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from polling import DEADLINE_S
from ports import free_port

from drcli.cli import main
from drcli.launch import local_process
from drcli.launch.processes.process_folder import ProcessFolder
from drcli.paths import Workspace
from drcli.store.client import Bucket
from drcli.store.server import ensure_server, server_config, stop_server

Done = subprocess.CompletedProcess[str]
TINY_TRACK = """
width_m: 0.6
path:
  - {straight_m: 1.0}
  - {left_deg: 180, radius_m: 0.8}
  - {straight_m: 2.0}
  - {left_deg: 180, radius_m: 0.8}
  - {straight_m: 1.0}
"""
HYPERPARAMETERS = {
    "batch_size": 32,
    "num_epochs": 1,
    "lr": 0.001,
    "num_steps_between_training": 32,
    "term_cond_max_episodes": 8,
}
QUICK = {
    "DR_WORLD_NAME": "tiny",
    "DR_CARS_PER_WORKER": "4",
    "DR_TRAIN_MIN_EVAL_TRIALS": "1",
    "DR_TRAIN_EVAL_INTERVAL": "1",
    "DR_TRAIN_METHOD": "pixels",
    "DR_TRAIN_STOP_PROGRESS": "",
    "DR_EVAL_NUMBER_OF_TRIALS": "2",
    "DR_EVAL_MAX_RESETS": "8",
    "DR_EVAL_OFF_TRACK_PENALTY": "0",
}
ENDLESS = HYPERPARAMETERS | {"term_cond_max_episodes": 1_000_000}


@dataclass(frozen=True)
class Racer:
    """Somebody with a workspace and a shell."""

    root: Path
    port: int
    environment: dict[str, str]

    @property
    def workspace(self) -> Workspace:
        return Workspace(self.root)

    @property
    def bucket(self) -> Bucket:
        """What is in the store; it has to run."""
        return Bucket(server_config(self.workspace, self.port, "bucket"))

    def open_bucket(self) -> Bucket:
        """Start the store."""
        return Bucket(ensure_server(self.workspace, self.port, "bucket"))

    def popen(self, *words: str, **more: str) -> subprocess.Popen[str]:
        """`dr` as a program of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "drcli", *words],
            cwd=self.root,
            env=self.environment | more,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def dr(self, *words: str, **more: str) -> Done:
        """`dr` to its end."""
        started = self.popen(*words, **more)
        stdout, stderr = started.communicate(timeout=DEADLINE_S)
        return Done(words, started.returncode, stdout, stderr)

    def invoke(self, *words: str, answer: str | None = None) -> Result:
        """`dr` in this process, which is faster; a bug in it is raised."""
        foreign = {name: None for name in os.environ if name.startswith(("AWS_", "DR_"))}
        runner = CliRunner(env=foreign | self.environment)
        with chdir(self.root):
            return runner.invoke(main, words, input=answer, catch_exceptions=False)

    def status(self, *words: str) -> dict[str, Any]:
        """`dr status --json`."""
        found: dict[str, Any] = json.loads(self.invoke("status", "--json", *words).stdout)
        return found

    def write_run_env(self, experiment: str = "", **settings: str) -> None:
        """Change lines of a run.env, add what is not there."""
        path = Workspace(self.root, experiment).run_env
        lines = dict(line.split("=", 1) for line in path.read_text().splitlines() if line.startswith("DR_"))
        path.write_text("".join(f"{key}={value}\n" for key, value in (lines | settings).items()))

    def write_hyperparameters(self, values: dict[str, Any], experiment: str = "") -> None:
        path = Workspace(self.root, experiment).custom_files / "hyperparameters.json"
        path.write_text(json.dumps(values))

    def end(self) -> None:
        """Kill all that was started here."""
        for folder in self.workspace.runs.glob("*/*"):
            seen = ProcessFolder(folder, Path()).read_state()
            if seen is not None:
                for ref in (seen.supervisor, *(replica.process for replica in seen.replicas)):
                    if ref.pid != os.getpid():
                        local_process.kill(ref)
        stop_server(self.workspace)
        local_process.reap()


@pytest.fixture(scope="session")
def new_racer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Racer]]:
    """Somebody who has typed `dr init` and wants it quick."""
    racers = []

    def make() -> Racer:
        home = tmp_path_factory.mktemp("racer")
        keep = {"PATH", "LANG", "SYSTEMROOT", "DOCKER_HOST", "PYTHONPATH"}
        environment = {name: value for name, value in os.environ.items() if name in keep}
        cache = os.environ.get("XDG_CACHE_HOME", str(Path.home() / ".cache"))
        environment |= {"HOME": str(home), "XDG_CACHE_HOME": cache, "COLUMNS": "100"}
        environment |= {"AWS_EC2_METADATA_DISABLED": "true", "DR_STORE_IDLE_MINUTES": "0"}
        environment |= {"DOCKER_CONFIG": os.environ.get("DOCKER_CONFIG", str(Path.home() / ".docker"))}
        racer = Racer(home / "ws", free_port(), environment)
        racers.append(racer)
        with chdir(home):
            assert CliRunner().invoke(main, ["init", "ws"]).exit_code == 0
        racer.workspace.tracks.mkdir(parents=True)
        (racer.workspace.tracks / "tiny.yaml").write_text(TINY_TRACK)
        with racer.workspace.system_env.open("a") as file:
            file.write(f"DR_STORE_PORT={racer.port}\n")
        racer.write_run_env(**QUICK, DR_LOCAL_S3_MODEL_PREFIX="model")
        racer.write_hyperparameters(HYPERPARAMETERS)
        return racer

    yield make
    for racer in racers:
        racer.end()
