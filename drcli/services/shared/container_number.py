"""The number of this container among those of its service in Compose: 2 for `deepracer-0-robomaker-2`.

Compose tells it to nobody inside. Docker's name server, which every container on our network has, knows the names of
containers by their addresses; the system's own functions would answer from /etc/hosts, which knows only their ids.
"""

from __future__ import annotations

import re
import socket
import struct

_SERVER = ("127.0.0.11", 53)  # Docker's, inside of containers
_PATIENCE_S = 2.0
_POINTER, _INTERNET, _WANTS_RECURSION = 12, 1, 0x0100  # RFC 1035
_NUMBER = re.compile(rb"[-_](\d+)$")  # Compose puts `-` before it, in compatibility mode `_`


def container_number() -> int | None:
    """The number; None outside of Compose, or if nobody answers."""
    try:
        address = _own_address()
        name = _first_label(_ask(address), len(_question(address)))
    except (OSError, ValueError, IndexError, struct.error):
        return None
    found = _NUMBER.search(name)
    return int(found[1]) if found else None


def _own_address() -> str:
    return socket.gethostbyname(socket.gethostname())


def _ask(address: str) -> bytes:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(_PATIENCE_S)
        client.connect(_SERVER)
        client.send(_question(address))
        return client.recv(512)


def _question(address: str) -> bytes:
    """A message that asks whose address that is."""
    labels = [*reversed(address.split(".")), "in-addr", "arpa"]
    name = b"".join(bytes([len(label)]) + label.encode() for label in labels) + b"\0"
    return (
        struct.pack(">6H", 1, _WANTS_RECURSION, 1, 0, 0, 0) + name + struct.pack(">2H", _POINTER, _INTERNET)
    )


def _first_label(answer: bytes, after: int) -> bytes:
    """The first label of the name in the answer: the container's name. ValueError if there is none.

    after: where the question ends, which the answer repeats; then come owner, type, class, time to live, length.
    """
    if struct.unpack_from(">H", answer, 6)[0] == 0:
        raise ValueError("no answer")
    at = after
    while answer[at] != 0 and answer[at] < 0xC0:
        at += 1 + answer[at]
    at += (2 if answer[at] >= 0xC0 else 1) + 10  # a pointer has two bytes
    return answer[at + 1 : at + 1 + answer[at]]
