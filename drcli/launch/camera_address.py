"""Where programs on this machine reach the pictures of each worker: `Launcher.cameras` returns these.

In process style each worker writes its address into a file of the run folder; containers publish a port.
"""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from drcli.local import write_private


class CameraAddress(NamedTuple):
    """A worker, such as `robomaker-1`, and the address of its camera server, such as `http://127.0.0.1:8080`."""

    name: str
    url: str


def write_port(path: Path, port: int) -> None:
    """Record the port on which a worker of this machine listens."""
    write_private(path, {"port": port})


def read_port(path: Path) -> int | None:
    """The recorded port; None if there is none."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        return int(json.loads(path.read_text())["port"])
    return None


def on_loopback(name: str, port: int) -> CameraAddress:
    """The address of a worker that listens on this machine, or is published there."""
    return CameraAddress(name, f"http://127.0.0.1:{port}")
