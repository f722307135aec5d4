"""A reader of protocol buffers for tests: of TensorFlow's graphs and checkpoints, without TensorFlow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np


def varint(data: bytes, at: int) -> tuple[int, int]:
    """A number, and where the next thing begins."""
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def fields(data: bytes) -> Iterator[tuple[int, Any]]:
    """Numbers and values of a message: varints, and everything else as bytes."""
    at = 0
    while at < len(data):
        tag, at = varint(data, at)
        if tag & 7 == 0:
            value, at = varint(data, at)
            yield tag >> 3, value
        else:
            size, at = {5: (4, at), 1: (8, at)}.get(tag & 7) or varint(data, at)
            yield tag >> 3, data[at : at + size]
            at += size


def shape_in(shape: bytes) -> tuple[int, ...]:
    """TensorShapeProto; -1 is any size."""
    sizes = [dict(fields(dim))[1] for _, dim in fields(shape)]
    return tuple(size - 2**64 if size >= 2**63 else size for size in sizes)


def constant(attr: bytes) -> np.ndarray[Any, Any]:
    """A TensorProto, as raw content, as numbers, or as one number for all places."""
    parts = dict(fields(dict(fields(attr))[8]))
    dtype = {1: np.dtype("<f4"), 3: np.dtype("<i4")}[parts[1]]
    content = parts.get(4, parts.get(5))
    if content is None:
        numbers, at, data = [], 0, parts[7]
        while at < len(data):
            value, at = varint(data, at)
            numbers.append(value - 2**64 if value >= 2**63 else value)
        content = np.array(numbers, dtype).tobytes()
    shape, listed = shape_in(parts[2]), np.frombuffer(content, dtype)
    return np.full(shape, listed[0]) if len(listed) == 1 else listed.reshape(shape)
