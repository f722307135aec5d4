"""The camera server of one worker: `python -m drcli.watch.cameras.camera_server`, started by `server_starter`.

Once it is prepared to draw it works at the lowest priority. It ends when nobody has looked for a minute, and with its
worker.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import socket
import sys
import threading
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from drcli.services.shared.environment import Environment
from drcli.watch.cameras.camera_pages import Guard, application
from drcli.watch.cameras.channels import Channels
from drcli.watch.cameras.live_events import LiveEvents
from drcli.watch.cameras.live_states import LiveStates
from drcli.watch.cameras.network_view import NetworkView
from drcli.watch.cameras.race_looks import RaceLooks
from drcli.watch.cameras.studio import Studio

IDLE_S = 60.0


class Attendance:
    """Counts the requests that are being answered, and knows since when there are none."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._present = 0
        self._since = time.monotonic()

    @property
    def idle_s(self) -> float:
        """For how long nobody has asked for anything."""
        return 0.0 if self._present else time.monotonic() - self._since

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI wants it."""
        self._present += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._present -= 1
            self._since = time.monotonic()


def serve(told: dict[str, Any]) -> None:
    """Serve until nobody looks any more."""
    environment = replace(Environment.read(), worker_index=told["worker"])
    states = LiveStates(told["endpoint"], told["key"], RaceLooks.read(environment))
    network = NetworkView(environment)
    studio = Studio(environment, network)
    threading.Thread(target=_prepare, args=(studio,), name="rehearsal", daemon=True).start()
    app = Attendance(Guard(application(Channels(states, studio), LiveEvents(states, network))))
    config = uvicorn.Config(
        app,
        log_level="error",
        access_log=False,
        server_header=False,
        lifespan="off",
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    asyncio.run(_until_idle(server, app, _listener(told)))


async def _until_idle(server: uvicorn.Server, app: Attendance, listener: socket.socket) -> None:
    serving = asyncio.ensure_future(server.serve(sockets=[listener]))
    while not serving.done():
        await asyncio.wait((serving,), timeout=1.0)
        server.should_exit |= app.idle_s > IDLE_S
    await serving


def _listener(told: dict[str, Any]) -> socket.socket:
    if sys.platform == "win32":
        return socket.fromshare(base64.b64decode(told["shared"]))
    return socket.socket(fileno=int(told["descriptor"]))


def _end_with_worker() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


def _prepare(studio: Studio) -> None:
    """At the usual priority, as it is done once, and somebody waits for a picture."""
    studio.prepare()
    _step_back()


def _step_back() -> None:
    """Give way to everybody else on this machine."""
    process = psutil.Process()
    if sys.platform == "win32":
        process.nice(psutil.IDLE_PRIORITY_CLASS)
    elif sys.platform != "linux":
        process.nice(19)
    else:
        for thread in process.threads():  # each has its own priority; new ones inherit it
            with suppress(ProcessLookupError):
                os.setpriority(os.PRIO_PROCESS, thread.id, 19)
        # Linux may share out time among sessions first (`man 7 sched`, autogroup), and this one has its own: about
        # 4 % of a core that others want, too.
        with suppress(OSError):
            Path("/proc/self/autogroup").write_text("14")


def main() -> None:
    """The program."""
    told = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_worker, name="worker", daemon=True).start()
    serve(told)
    os._exit(0)


if __name__ == "__main__":
    main()
