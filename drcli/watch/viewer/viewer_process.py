"""The process of the viewer's server: starts it, finds it again, stops it. One per workspace.

`data/viewer.json`, which only its owner can read, says where it is; the server itself reads the settings, so that no
secret is on a command line.
"""

from __future__ import annotations

import json
import secrets
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from drcli import env
from drcli.config.settings import Settings
from drcli.errors import DrError, UsageError
from drcli.launch import detached_server
from drcli.launch.detached_server import LOOPBACK, DetachedServer, Program
from drcli.local import lock
from drcli.paths import Workspace


@dataclass(frozen=True)
class RunningViewer(DetachedServer):
    """A viewer's server. token: empty on the loopback interface."""

    @property
    def place(self) -> str:
        """Its address without the token, to be shown to anybody."""
        return f"http://{_bracketed(detached_server.reachable(self.host)[0])}:{self.port}/"

    def addresses(self, view: Mapping[str, object] | None = None) -> list[str]:
        """What to open, with the token; view: more parameters of the page."""
        query = {**({"token": self.token} if self.token else {}), **(view or {})}
        text = f"?{urlencode(query, safe='/')}" if query else ""
        hosts = detached_server.reachable(self.host)
        return [f"http://{_bracketed(host)}:{self.port}/{text}" for host in hosts]


def find(workspace: Workspace) -> RunningViewer | None:
    """The viewer of this workspace if it is running."""
    return detached_server.find(RunningViewer, _record(workspace))


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
        if why := detached_server.why_not_free(host, port):
            raise DrError(
                f"The viewer cannot listen at {host}, port {port}: {why}.",
                "Choose another port with -p or DR_WEBVIEWER_PORT.",
            )
        return _start(workspace, overrides, host, port)


def stop(workspace: Workspace) -> bool:
    """Stop the viewer and wait for it; False if it was not running. Idempotent."""
    return detached_server.stop(RunningViewer, _record(workspace))


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
    program = Program(
        "The viewer", command, env.child(told), _record(workspace), workspace.logs / "viewer.log"
    )
    return detached_server.start(RunningViewer, program, host, port, token)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _record(workspace: Workspace) -> Path:
    return workspace.data / "viewer.json"
