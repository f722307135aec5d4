"""The process of the viewer's server: starts it, finds it again, stops it. One per workspace.

`data/viewer.json`, which only its owner can read, says where it is; the server itself reads the settings, so that no
secret is on a command line.
"""

from __future__ import annotations

import json
import secrets
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlencode

import psutil

from drcli import env
from drcli.config.settings import Settings
from drcli.errors import DrError, UsageError
from drcli.local import ProcessRef, lock, spawn, write_private
from drcli.paths import Workspace
from drcli.store.server_process import end

LOOPBACK = ("127.0.0.1", "localhost", "::1")
_START_DEADLINE_S = 60.0  # on a busy machine
_POLL_S = 0.05


@dataclass(frozen=True)
class RunningViewer:
    """A viewer's server. token: empty on the loopback interface."""

    host: str
    port: int
    token: str
    pid: int
    created: float

    @property
    def process(self) -> psutil.Process | None:
        """Its process; None if it has ended."""
        return ProcessRef(self.pid, self.created).process()

    @property
    def place(self) -> str:
        """Its address without the token, to be shown to anybody."""
        return f"http://{_bracketed(_reachable(self.host)[0])}:{self.port}/"

    def addresses(self, view: Mapping[str, object] | None = None) -> list[str]:
        """What to open, with the token; view: more parameters of the page."""
        query = {**({"token": self.token} if self.token else {}), **(view or {})}
        text = f"?{urlencode(query, safe='/')}" if query else ""
        return [f"http://{_bracketed(host)}:{self.port}/{text}" for host in _reachable(self.host)]


def find(workspace: Workspace) -> RunningViewer | None:
    """The viewer of this workspace if it is running."""
    try:
        viewer = RunningViewer(**json.loads(_state(workspace).read_text()))
    except (OSError, ValueError, TypeError):
        return None
    return viewer if viewer.process is not None else None


def start(
    workspace: Workspace,
    settings: Settings,
    overrides: Sequence[str],
    host: str = "",
    port: int | None = None,
) -> RunningViewer:
    """Start the viewer unless it is running, and wait until it responds. Idempotent.

    host: default the loopback interface, or where it is running; port: default DR_WEBVIEWER_PORT plus the run id.

    Raises:
        UsageError: it is running at another host or port.
        DrError: the port is in use, or it does not start.
    """
    with lock(workspace.data / "viewer.lock"):
        running = find(workspace)
        if running is not None:
            if host not in ("", running.host) or port not in (None, running.port):
                raise UsageError(
                    f"The viewer is already running at {running.host}, port {running.port}.",
                    "`dr stop-viewer` stops it; then start it again.",
                )
            return running
        host = host or LOOPBACK[0]
        port = settings.webviewer_port + settings.run_id if port is None else port
        _check_free(host, port)
        return _start(workspace, overrides, host, port)


def stop(workspace: Workspace) -> bool:
    """Stop the viewer and wait for it; False if it was not running. Idempotent."""
    running = find(workspace)
    process = None if running is None else running.process
    if process is not None:
        end(process)
    _state(workspace).unlink(missing_ok=True)
    return process is not None


def _start(workspace: Workspace, overrides: Sequence[str], host: str, port: int) -> RunningViewer:
    token = "" if host in LOOPBACK else secrets.token_urlsafe(24)
    told = {
        env.DR_VIEWER_START: json.dumps({"token": token, "overrides": list(overrides)}),
        env.DR_EXPERIMENT_NAME: workspace.experiment,
    }
    command = (
        *(sys.executable, "-m", "drcli.watch.viewer.viewer_server"),
        *(str(workspace.root.resolve()), host, str(port)),
    )
    process = spawn(command, env.child(told), _log(workspace))
    viewer = RunningViewer(host, port, token, process.pid, process.created)
    write_private(_state(workspace), asdict(viewer))
    deadline = time.monotonic() + _START_DEADLINE_S
    while not _answers(viewer):
        if viewer.process is None or time.monotonic() > deadline:
            stop(workspace)
            said = _log(workspace).read_text(errors="replace").splitlines()[-3:]
            raise DrError("The viewer did not start:\n" + "\n".join(said), f"Its log is {_log(workspace)}.")
        time.sleep(_POLL_S)
    return viewer


def _check_free(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        if sys.platform != "win32":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise DrError(
                f"The viewer cannot listen at {host}, port {port}: {error.strerror}.",
                "Choose another port with -p or DR_WEBVIEWER_PORT.",
            ) from None


def _answers(viewer: RunningViewer) -> bool:
    try:
        with socket.create_connection((_reachable(viewer.host)[0], viewer.port), timeout=1.0):
            return True
    except OSError:
        return False


def _reachable(host: str) -> list[str]:
    """The addresses under which a server bound to `host` can be reached."""
    if host not in ("0.0.0.0", "::"):
        return [host]
    known = [
        a for addresses in psutil.net_if_addrs().values() for a in addresses if a.family == socket.AF_INET
    ]
    return [a.address for a in known if not a.address.startswith("127.")] or [LOOPBACK[0]]


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _state(workspace: Workspace) -> Path:
    return workspace.data / "viewer.json"


def _log(workspace: Workspace) -> Path:
    return workspace.logs / "viewer.log"
