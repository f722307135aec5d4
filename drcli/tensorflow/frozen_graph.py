"""The constants of a frozen graph, a GraphDef in a `.pb` file: each variable is one, under its own name."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

import numpy as np
from numpy.typing import NDArray

from drcli.tensorflow.protobuf import as_bytes, as_int, fields, message

_FLOAT = 1  # tensorflow.DataType
_MOST_NUMBERS = 2**26  # of all constants together; the largest known network has a tenth
_MOST_DIMENSIONS, _LONGEST_SHAPE = 8, 1000  # in bytes


def read_constants(pb: bytes) -> dict[str, NDArray[np.float32]]:
    """The float32 constants by name, also those that are no variables.

    Raises:
        ValueError: the graph is damaged. Nothing is allocated for sizes that it claims before they are checked.
    """
    constants: dict[str, NDArray[np.float32]] = {}
    room = _MOST_NUMBERS
    for name, tensor in _tensors(pb):
        if name in constants:
            raise ValueError(f"it has two constants {name}")
        shape = _shape(name, as_bytes(message(tensor).get(2)))
        room -= prod(shape)
        if room < 0:
            raise ValueError(f"its constants, up to {name}, have more than {_MOST_NUMBERS:,} numbers")
        constants[name] = _numbers(name, tensor, shape)
    return constants


def _tensors(pb: bytes) -> Iterator[tuple[str, bytes]]:
    """The names of the float32 constants, and their TensorProtos."""
    for key, value in fields(pb):
        if key != 1:
            continue
        node = as_bytes(value)
        parts = message(node)
        if as_bytes(parts.get(2)) != b"Const":
            continue
        tensor = _value(node)
        if as_int(message(tensor).get(1)) == _FLOAT:
            yield as_bytes(parts.get(1)).decode(), tensor


def _value(node: bytes) -> bytes:
    """The attribute `value`, a TensorProto."""
    for key, part in fields(node):
        if key == 5:
            attr = message(as_bytes(part))
            if attr.get(1) == b"value":
                return as_bytes(message(as_bytes(attr.get(2))).get(8))
    return b""


def _shape(name: str, encoded: bytes) -> tuple[int, ...]:
    if len(encoded) <= _LONGEST_SHAPE:
        parts = [*fields(encoded)]
        shape = tuple(as_int(message(as_bytes(dim)).get(1)) for key, dim in parts if key == 2)
        is_known = not as_int(dict(parts).get(3)) and all(size >= 0 for size in shape)
        if is_known and len(shape) <= _MOST_DIMENSIONS:
            return shape
    raise ValueError(f"the constant {name} has no usable shape")


def _numbers(name: str, tensor: bytes, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Raw content, or a list of numbers whose last one is repeated."""
    content = as_bytes(message(tensor).get(4))
    listed = content or b"".join(as_bytes(part) for key, part in fields(tensor) if key == 5)
    wanted = 4 * prod(shape)
    is_complete = len(listed) == wanted if content else len(listed) % 4 == 0 and len(listed) <= wanted
    if not is_complete:
        raise ValueError(f"the constant {name} has {len(listed):,} bytes; its shape is {shape}")
    numbers = np.full(prod(shape), np.frombuffer(listed[-4:] or bytes(4), "<f4"), np.float32)
    numbers[: len(listed) // 4] = np.frombuffer(listed, "<f4")
    return numbers.reshape(shape)
