"""Lines of text as UDP packets, from a thread of its own: whoever sends never waits, not even for a name server."""

from __future__ import annotations

import queue
import socket
import threading
import time

from drcli.services.shared import service_log

_ROOM = 10_000  # lines that may wait; what comes then is dropped
_PAUSE_S = 30.0  # before an unknown host is looked up again
_FAREWELL_S = 2.0


class UdpSender:
    """Sends to one host. A host that is unknown or unreachable is logged once, and tried again now and then."""

    def __init__(self, host: str, port: int, pause_s: float = _PAUSE_S) -> None:
        self._host, self._port, self._pause_s = host, port, pause_s
        self._lines: queue.Queue[str | None] = queue.Queue(_ROOM)
        self._socket: socket.socket | None = None
        self._next_look = 0.0
        self._has_complained = False
        self._thread = threading.Thread(target=self._work, name="telegraf", daemon=True)
        self._thread.start()

    def send(self, line: str) -> None:
        """Send a line soon, or never if the host cannot be reached."""
        try:
            self._lines.put_nowait(line)
        except queue.Full:
            self._complain(f"more than {_ROOM} lines wait for it")

    def close(self) -> None:
        """Send what waits, for a moment at most."""
        try:
            self._lines.put_nowait(None)
        except queue.Full:
            return
        self._thread.join(_FAREWELL_S)

    def _work(self) -> None:
        while (line := self._lines.get()) is not None:
            target = self._connected()
            if target is None:
                continue
            try:
                target.send(line.encode())
            except OSError as error:  # such as: nobody listens on that port of this machine
                self._complain(str(error))
        if self._socket is not None:
            self._socket.close()

    def _connected(self) -> socket.socket | None:
        if self._socket is None and time.monotonic() >= self._next_look:
            self._next_look = time.monotonic() + self._pause_s
            try:
                family, kind, protocol, _, address = socket.getaddrinfo(
                    self._host, self._port, type=socket.SOCK_DGRAM
                )[0]
                self._socket = socket.socket(family, kind, protocol)
                self._socket.connect(address)
            except (OSError, UnicodeError) as error:  # UnicodeError: no host could have that name
                self._complain(str(error))
        return self._socket

    def _complain(self, why: str) -> None:
        if not self._has_complained:
            self._has_complained = True
            service_log.line(
                f"Telegraf at {self._host}:{self._port} (DR_TELEGRAF_HOST) does not get all results: {why}. "
                "The run goes on without it."
            )
