"""TensorFlow's GraphDef, written without TensorFlow: nodes and their attributes as a protocol buffer.

Only what a frozen graph of a policy needs. Field numbers are those of `tensorflow/core/framework/*.proto`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32] | NDArray[np.int32]

_PRODUCER = 27  # GraphDef version of TensorFlow 1.11, whose operations these are
_FLOAT, _INT32 = 1, 3  # tensorflow.DataType
_VARINT, _BYTES = 0, 2  # wire types


def _varint(value: int) -> bytes:
    value &= 2**64 - 1  # negative numbers are sixty-four bits of two's complement
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3 | _VARINT) + _varint(value)


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | _BYTES) + _varint(len(value)) + value


def _shape(dims: Sequence[int]) -> bytes:
    """TensorShapeProto; -1 is any size."""
    return b"".join(_bytes(2, _number(1, size)) for size in dims)


def _type(dtype: np.dtype[np.float32] | np.dtype[np.int32]) -> int:
    return _FLOAT if dtype == np.float32 else _INT32


class Attr:
    """Attributes of nodes, each an encoded AttrValue."""

    FLOAT = _number(6, _FLOAT)
    INT32 = _number(6, _INT32)

    @staticmethod
    def text(value: str) -> bytes:
        """A string."""
        return _bytes(2, value.encode())

    @staticmethod
    def number(value: int) -> bytes:
        """An integer."""
        return _number(3, value)

    @staticmethod
    def numbers(*values: int) -> bytes:
        """A list of integers."""
        return _bytes(1, _bytes(3, b"".join(map(_varint, values))))

    @staticmethod
    def flag(value: bool) -> bytes:
        """A boolean."""
        return _number(5, value)

    @staticmethod
    def shape(*dims: int) -> bytes:
        """The shape of a tensor; -1 is any size."""
        return _bytes(7, _shape(dims))

    @staticmethod
    def tensor(value: Array) -> bytes:
        """A constant, float32 or int32, in rows from its last dimension up."""
        content = np.ascontiguousarray(value, value.dtype.newbyteorder("<")).tobytes()
        return _bytes(8, _number(1, _type(value.dtype)) + _bytes(2, _shape(value.shape)) + _bytes(4, content))

    @staticmethod
    def type_of(value: Array) -> bytes:
        """The type of a constant."""
        return _number(6, _type(value.dtype))


@dataclass(frozen=True)
class Node:
    """An operation on the first outputs of other nodes. Attributes come from `Attr`."""

    name: str
    op: str
    inputs: tuple[str, ...]
    attrs: Mapping[str, bytes]

    def encode(self) -> bytes:
        """A NodeDef."""
        parts = [_bytes(1, self.name.encode()), _bytes(2, self.op.encode())]
        parts += [_bytes(3, name.encode()) for name in self.inputs]
        parts += [
            _bytes(5, _bytes(1, key.encode()) + _bytes(2, self.attrs[key])) for key in sorted(self.attrs)
        ]
        return b"".join(parts)


def graph_def(nodes: Iterable[Node]) -> bytes:
    """The content of a `.pb` file; the same bytes for the same nodes."""
    return b"".join(_bytes(1, node.encode()) for node in nodes) + _bytes(4, _number(1, _PRODUCER))
