"""What the reward function prints: all of it in a file of its own, and some lines per second in the service's log."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from drcli.services.shared import service_log
from drcli.sim.rate_limit import RateLimit

PART_BYTES = 50_000_000
PARTS = 20  # full ones; beyond that the oldest is deleted
FLUSH_S = 1.0  # what `kill -9` may lose
_BUFFER_BYTES = 1 << 16


class RewardOutput:
    """Receives lines. A full file `robomaker-1.reward.log` becomes `robomaker-1.reward.1.log`, the next one `.2.log`.

    where: what the service's log says of it; by default its path. A file that cannot be written is given up, with a
    line in the service's log; the run continues.
    """

    def __init__(
        self, path: Path | None, log: Callable[[str], None] = service_log.line, where: str = ""
    ) -> None:
        self._path, self._log = path, log
        self._limited = RateLimit(log, where or str(path or ""))
        self._lock = threading.Lock()  # of the file: one thread writes, another flushes
        self._file: BinaryIO | None = None
        self._bytes = 0

    def __call__(self, line: str) -> None:
        """Take one line that was printed."""
        if self._path is not None:
            with self._lock:
                self._keep(self._path, line.encode(errors="replace") + b"\n")
        self._limited(line)

    def flush(self) -> None:
        """Write what is buffered."""
        with self._lock:
            if self._file is not None:
                try:
                    self._file.flush()
                except OSError as error:
                    self._give_up(error)

    def _keep(self, path: Path, data: bytes) -> None:
        try:
            file = self._file or self._open(path)
            file.write(data)
            self._bytes += len(data)
            if self._bytes >= PART_BYTES:
                file.close()
                _set_aside(path)
                self._open(path)
        except OSError as error:
            self._give_up(error)

    def _open(self, path: Path) -> BinaryIO:
        if self._file is None:
            threading.Thread(target=self._flush_now_and_then, name="reward log", daemon=True).start()
        self._file = path.open("ab", buffering=_BUFFER_BYTES)
        self._bytes = self._file.tell()
        return self._file

    def _give_up(self, error: OSError) -> None:
        self._log(f"What the reward function prints is no longer kept in {self._path}: {error.strerror}.")
        self._path = self._file = None
        self._limited = RateLimit(self._log)

    def _flush_now_and_then(self) -> None:
        while self._path is not None:
            time.sleep(FLUSH_S)
            self.flush()


def _set_aside(path: Path) -> None:
    """Give a full file the next number, and delete what is too old."""
    stem = path.name.removesuffix(".log")
    parts = {
        int(part.name[len(stem) + 1 : -len(".log")]): part
        for part in path.parent.glob(f"{stem}.*.log")
        if part.name[len(stem) + 1 : -len(".log")].isdigit()
    }
    newest = max(parts, default=0) + 1
    path.replace(path.with_name(f"{stem}.{newest}.log"))
    for number, part in parts.items():
        if number <= newest - PARTS:
            part.unlink(missing_ok=True)
