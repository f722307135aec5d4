"""A worker's camera port, and the camera server behind it: started when somebody connects, not before.

The worker listens; the server inherits the listening socket and answers. It ends by itself when nobody has looked for
a while, and with the worker, whose end of its standard input closes.
"""

from __future__ import annotations

import base64
import json
import select
import socket
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from drcli import env, local
from drcli.local import Companion

_PORTS = 100  # tried from the first one on; after them any free one
_MODULE = "drcli.watch.cameras.camera_server"
_FAILED_EARLY_S = 10.0
_LONGEST_PAUSE_S = 60.0


def listen(host: str, first: int, preferred: int | None = None) -> socket.socket:
    """Listen on the preferred port, on the first free one from `first` on, or on any. Never fails for a taken one."""
    ports = [first, *range(first + 1, min(first + _PORTS, 65536)), 0]
    if preferred is not None and preferred in ports:
        ports.insert(0, preferred)
    for port in ports:
        opened = socket.socket()
        if sys.platform == "win32":
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            opened.bind((host, port))
            opened.listen(64)
        except OSError:
            opened.close()
        else:
            return opened
    raise OSError(f"no free port on {host}")


class ServerStarter:
    """Waits for a connection on `listener`, runs the camera server as long as it lives, and waits again.

    told: what the server is told, as JSON on its standard input.
    """

    def __init__(self, listener: socket.socket, told: Mapping[str, Any]) -> None:
        self._listener, self._told = listener, dict(told)
        self._waker, self._wake = socket.socketpair()
        self._is_closed = False
        self._failures = 0
        self._server: Companion | None = None
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="cameras", daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """The port on which the worker listens."""
        port: int = self._listener.getsockname()[1]
        return port

    @property
    def server_pid(self) -> int | None:
        """The pid of the server, while there is one."""
        server = self._server
        return server.pid if server is not None and server.poll() is None else None

    def close(self) -> None:
        """End the server and stop listening."""
        with self._lock:
            self._is_closed = True
            if self._server is not None:
                self._end(self._server)
        self._wake.close()
        self._thread.join()
        self._waker.close()
        self._listener.close()

    def _run(self) -> None:
        while True:
            ready, _, _ = select.select([self._listener, self._waker], [], [])
            if self._waker in ready:
                return
            with self._lock:
                if self._is_closed:
                    return
                self._server = self._start()
            began, code = time.monotonic(), self._server.wait()
            self._end(self._server)
            if code and time.monotonic() - began < _FAILED_EARLY_S:
                self._turn_away()
            else:
                self._failures = 0

    def _start(self) -> Companion:
        number = self._listener.fileno()
        descriptors = () if sys.platform == "win32" else (number,)
        secret = {env.DR_WIRE_SECRET: "", env.DR_EXIT_FILE: ""}
        server = local.companion([sys.executable, "-m", _MODULE], secret, descriptors)
        if sys.platform == "win32":
            shared = {"shared": base64.b64encode(self._listener.share(server.pid)).decode()}
        else:
            shared = {"descriptor": str(number)}
        assert server.stdin is not None
        with suppress(OSError):
            server.stdin.write(json.dumps(self._told | shared).encode() + b"\n")
            server.stdin.flush()
        return server

    @staticmethod
    def _end(server: Companion) -> None:
        for pipe in (server.stdin, server.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()

    def _turn_away(self) -> None:
        """The server cannot start: who waits is turned away, so that it is not started over and over."""
        self._failures += 1
        self._listener.setblocking(False)
        with suppress(OSError):
            while True:
                self._listener.accept()[0].close()
        select.select([self._waker], [], [], min(2.0**self._failures, _LONGEST_PAUSE_S))
