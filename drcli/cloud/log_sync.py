"""Copies the logs of a machine to the bucket, where `dr cloud logs` reads them and they outlive the machine.

Each machine of a job has its own: `run.log`, that of the second machine `run.2.log`, and so on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from drcli.paths import Workspace
from drcli.store.client import Bucket

RUN_LOG, MACHINE_LOG = "run.log", "machine.log"
MAX_BYTES = 16 << 20  # the end of a longer log
_OF_RUNS = re.compile(r"run(?:\.\d+)?\.log")
_OF_MACHINES = re.compile(r"machine(?:\.(\d+))?\.log")

Sources = Callable[[], Mapping[str, Path]]  # name in the bucket → file; files may appear and grow


class LogSync:
    """The logs of one machine. Only what has changed is copied again."""

    def __init__(self, bucket: Bucket, prefix: str, number: int, sources: Sources) -> None:
        """`prefix`: ends with a slash; `number`: of this machine, see `next_number`."""
        self._bucket, self._prefix, self._number, self._sources = bucket, prefix, number, sources
        self._copied: dict[str, tuple[int, int]] = {}

    def sync(self) -> None:
        """Copy what is new. Raises DrError if the bucket is unreachable; the next call makes up for it."""
        for name, path in self._sources().items():
            try:
                now = path.stat()
                mark = (now.st_size, now.st_mtime_ns)
                if self._copied.get(name) == mark:
                    continue
                content = _end_of(path)
            except OSError:  # it was removed, or is not there yet
                continue
            self._bucket.put(self._prefix + numbered(name, self._number), content)
            self._copied[name] = mark


def numbered(name: str, number: int) -> str:
    """The name of a log of machine `number`: `run.log`, `run.2.log`."""
    return name if number == 1 else f"{name.removesuffix('.log')}.{number}.log"


def earlier_logs(bucket: Bucket, prefix: str) -> list[str]:
    """The names of the logs that earlier machines of the job have left."""
    return [info.key.removeprefix(prefix) for info in bucket.list(prefix)]


def next_number(names: list[str]) -> int:
    """The number of the next machine, given the names of the logs that are there."""
    numbers = [int(found[1] or 1) for name in names if (found := _OF_MACHINES.fullmatch(name))]
    return max(numbers, default=0) + 1


def has_run(names: list[str]) -> bool:
    """Whether an earlier machine has started the run, given the names of the logs that are there."""
    return any(_OF_RUNS.fullmatch(name) for name in names)


def logs_of(workspace: Workspace) -> dict[str, Path]:
    """The logs of services in a workspace: `0-training-sagemaker.log` is that of run 0."""
    return {
        "-".join(path.relative_to(workspace.logs).parts): path
        for path in sorted(workspace.logs.rglob("*.log"))
    }


def _end_of(path: Path) -> bytes:
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - MAX_BYTES))
        return file.read()
