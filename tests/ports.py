"""Ports for the servers of tests."""

from __future__ import annotations

import secrets
import socket

# Below those that systems hand out by themselves, of which another process may be given the one we have just tried.
_FIRST, _COUNT = 20_000, 12_000


def free_port() -> int:
    """A port of loopback that nobody listens on, and that nobody gets who does not ask for it by its number."""
    while True:
        port = _FIRST + secrets.randbelow(_COUNT)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
