"""Messages between our own processes over a pair of pipes: msgpack behind its length. Nothing in them is executed."""

from __future__ import annotations

import struct
from typing import IO, Any

import msgpack

_LENGTH = struct.Struct("<I")


def pack(message: object) -> bytes:
    """A message as bytes; NumPy's numbers and arrays become Python's."""
    body: bytes = msgpack.packb(message, default=lambda value: value.tolist())
    return _LENGTH.pack(len(body)) + body


def send(pipe: IO[bytes], packed: bytes) -> None:
    """Write what `pack` returned. Raises OSError if nobody reads any more."""
    pipe.write(packed)
    pipe.flush()


def receive(pipe: IO[bytes]) -> Any:
    """The next message; None when the other side has ended."""
    head = pipe.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    body = pipe.read(length)
    return msgpack.unpackb(body) if len(body) == length else None
