"""A workspace in a temporary folder for one training with the `dr` command."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from torch import Tensor

from drcli.config.load import load_settings
from drcli.config.model_metadata import ModelMetadata
from drcli.contract.keys import ModelKeys
from drcli.launch.bucket import open_bucket
from drcli.paths import Workspace as Folder
from drcli.store.checkpoints import read_checkpoint
from drcli.store.client import Bucket
from drcli.train.checkpoint_formats import read_weights
from drcli.train.model import ModelSpec

DR = (sys.executable, "-m", "drcli")
LINES = {  # what has happened once a line is in a log
    "services are started": ("sagemaker", ""),
    "trainer has read the job": ("sagemaker", "Using the following hyper-parameters"),
    "trainer is ready": ("sagemaker", "Training "),
    "worker has joined": ("sagemaker", "has joined"),
    "first iteration": ("sagemaker", "Teacher> "),
    "teacher has passed": ("sagemaker", ": passed."),
    "student's first iteration": ("sagemaker", "Training iteration=1"),
    "first exam of the student": ("sagemaker", "Student> "),
    "last step": ("sagemaker", "The run has ended"),
}


class Workspace:
    """Made by `dr init`; its store is stopped and everything deleted at the end."""

    def __init__(self, seed: int, method: str, environment: dict[str, str] | None = None) -> None:
        self._settings = {"DR_STORE_PORT": str(_free_port()), "DR_SEED": str(seed), "DR_TRAIN_METHOD": method}
        self._environment = {**os.environ, **(environment or {})}

    def __enter__(self) -> Workspace:
        self._temporary = tempfile.TemporaryDirectory()
        self.folder = Path(self._temporary.name)
        self._dr("init", "-y")
        return self

    def __exit__(self, *_: object) -> None:
        self._dr("store", "stop")
        self._temporary.cleanup()

    def write(self, name: str, text: str) -> None:
        """Replace one of the custom files."""
        (self.folder / "custom_files" / name).write_text(text)

    def train(self, **settings: str) -> float:
        """Train; returns seconds from the start of the command to its end."""
        self._settings |= settings
        begun = time.perf_counter()
        self._dr("start-training")
        return time.perf_counter() - begun

    def timeline(self, **settings: str) -> dict[str, float]:
        """Train; returns seconds from the start of the command to each of LINES in a service's log, and to its end."""
        self._settings |= settings
        logs = self.folder / "data" / "logs" / "0" / "training"
        seen: dict[str, float] = {}
        begun = time.perf_counter()
        command = subprocess.Popen(
            [*DR, "start-training", *self._options], cwd=self.folder, env=self._environment,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        while command.poll() is None:
            texts = {log.stem: log.read_text() for log in logs.glob("*.log")}
            for name, (log, line) in LINES.items():
                if name not in seen and log in texts and line in texts[log]:
                    seen[name] = time.perf_counter() - begun
            time.sleep(0.02)
        return {**seen, "prompt": time.perf_counter() - begun}

    def status(self) -> dict[str, Any]:
        """What `dr status --json` says."""
        status: dict[str, Any] = json.loads(self._dr("status", "--json"))
        return status

    def evaluate(self) -> list[dict[str, Any]]:
        """The trials of `dr evaluate --json`."""
        trials: list[dict[str, Any]] = json.loads(self._dr("evaluate", "--json"))["trials"]
        return trials

    def bucket(self) -> tuple[Bucket, ModelKeys]:
        """The bucket of its store, and the keys of the model."""
        folder = Folder(self.folder)
        settings = load_settings(folder, [f"{name}={value}" for name, value in self._settings.items()])
        return open_bucket(settings, folder), ModelKeys(settings.local_s3_model_prefix)

    def model(self) -> tuple[ModelSpec, dict[str, Tensor]]:
        """The model, and the variables of its best checkpoint."""
        bucket, keys = self.bucket()
        name, files = read_checkpoint(bucket, keys, "best")
        metadata = ModelMetadata.parse(bucket.get(keys.model_metadata).decode(), keys.model_metadata)
        return ModelSpec.of(metadata), read_weights(files, str(name)).variables

    @property
    def _options(self) -> list[str]:
        return [part for name, value in self._settings.items() for part in ("--set", f"{name}={value}")]

    def _dr(self, *arguments: str) -> str:
        takes_settings = arguments[0] in ("start-training", "status", "evaluate")
        command = [*DR, *arguments, *(self._options if takes_settings else [])]
        done = subprocess.run(
            command, cwd=self.folder, env=self._environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"dr {arguments[0]}: {done.stderr.strip()[-600:]}")
        return done.stdout


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
