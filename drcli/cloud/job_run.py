"""The run of a job on this machine: the job's command as a process, how it is stopped, how it ended."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from drcli import local
from drcli.cloud import job_command
from drcli.cloud.cloud_job import CloudJob, Phase
from drcli.cloud.job_command import ModelState
from drcli.cloud.machine_settings import allowed_overrides
from drcli.config.load import load_settings
from drcli.contract.keys import ModelKeys
from drcli.paths import Workspace
from drcli.store.checkpoints import list_checkpoints
from drcli.store.client import Bucket

_GRACE_S = 10.0  # between the request to end and the end by force
_POLL_S, _REPEAT_S = 0.1, 3.0
_TAIL_BYTES = 20_000
_ERROR, _HINT = "error: ", "hint: "

Say = Callable[[str], None]


@dataclass(frozen=True)
class Outcome:
    """How a job ended here: `ended`, `failed` or `interrupted`; why, and what to do; the exit code of its command."""

    phase: Phase
    message: str = ""
    hint: str = ""
    exit_code: int | None = None


class JobRun:
    """A command of `dr` in the unpacked workspace."""

    def __init__(self, job: CloudJob, workspace: Workspace, log: Path, say: Say) -> None:
        self.job, self.was_stopped = job, False
        self._workspace, self._log, self._say = workspace, log, say
        self._process: local.Companion | None = None

    def model_prefix(self) -> str:
        """Where the job's training puts its model; empty if the job is not one training.

        Raises UsageError for settings that are wrong.
        """
        if not job_command.is_training(self.job):
            return ""
        overrides, _ = allowed_overrides(self.job)
        return load_settings(self._workspace, overrides).local_s3_model_prefix

    def start(self, model: ModelState) -> None:
        """Start it; a training continues where an earlier machine has left it."""
        words = job_command.start_words(self.job, model)
        self._say(f"Starting `dr {' '.join(words)}`.")
        self._process = self._dr(words)

    @property
    def is_running(self) -> bool:
        """Whether the command has not ended yet."""
        return self._process is not None and self._process.poll() is None

    def stop(self, limit_s: float) -> None:
        """End the run in good order: a training writes its last checkpoint. By force after `limit_s`."""
        self.was_stopped = self.is_running
        deadline = time.monotonic() + limit_s
        if words := job_command.stop_words(self.job):
            self._say(f"Stopping with `dr {' '.join(words)}`.")
            # Repeated, as there is nothing to stop while the command is still checking and starting.
            while self._stop_once(words, deadline) and self.is_running and time.monotonic() < deadline:
                self._has_ended_within(min(_REPEAT_S, deadline - time.monotonic()))
        elif self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._has_ended_within(limit_s)
        if self.is_running:
            self._say(f"The run has not ended within {limit_s:.0f} s: it is ended by force.")
        self._end()

    def outcome(self) -> Outcome:
        """How the command ended, with the error that it printed last."""
        code = None if self._process is None else self._process.poll()
        if code == 0:
            return Outcome("ended", exit_code=code)
        message, hint = _last_error(self._log)
        return Outcome(
            "failed",
            message or f"`dr {' '.join(self.job.command)}` ended with exit code {code}.",
            hint or "`dr cloud logs` shows its log.",
            code,
        )

    def _dr(self, words: tuple[str, ...]) -> local.Companion:
        return local.follow((sys.executable, "-m", "drcli", *words), self._log, self._workspace.root)

    def _stop_once(self, words: tuple[str, ...], deadline: float) -> bool:
        """Run the command that stops; False if it takes too long."""
        stopping = self._dr(words)
        if _has_ended(stopping, deadline - time.monotonic()):
            return True
        stopping.kill()
        stopping.wait()
        return False

    def _has_ended_within(self, limit_s: float) -> bool:
        return self._process is None or _has_ended(self._process, limit_s)

    def _end(self) -> None:
        """End the command itself, which usually has ended with its run."""
        process = self._process
        if process is None or process.poll() is not None:
            return
        process.terminate()
        if not _has_ended(process, _GRACE_S):
            process.kill()
            process.wait()


def model_state(bucket: Bucket, prefix: str, *, has_run: bool) -> ModelState:
    """What is under a prefix. Raises DrError if the bucket is unreachable."""
    if not prefix:
        return ModelState(has_run, is_empty=True, checkpoints=0)
    keys = [info.key for info in bucket.list(f"{prefix}/")]
    return ModelState(
        has_run,
        is_empty=not keys,
        checkpoints=len(list_checkpoints(bucket, ModelKeys(prefix))) if keys else 0,
        foreign=any(".ckpt." in key for key in keys),
    )


def _has_ended(process: local.Companion, limit_s: float) -> bool:
    deadline = time.monotonic() + limit_s
    while process.poll() is None:
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_S)
    return True


def _last_error(log: Path) -> tuple[str, str]:
    """The last error in a log of `dr`, and the hint after it."""
    if not log.is_file():
        return "", ""
    message = hint = ""
    for line in log.read_bytes()[-_TAIL_BYTES:].decode("utf-8", errors="replace").splitlines():
        if line.startswith(_ERROR):
            message, hint = line.removeprefix(_ERROR), ""
        elif line.startswith(_HINT):
            hint = line.removeprefix(_HINT)
    return message, hint
