"""TensorFlow's GraphDef: nodes and their attributes as a protocol buffer.

Only what a graph of a policy needs. Field numbers are those of `tensorflow/core/framework/*.proto`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drcli.tensorflow.protobuf import delimited, number, varint

Array = NDArray[np.float32] | NDArray[np.int32]

_PRODUCER = 27  # GraphDef version of TensorFlow 1.11, whose operations these are
_FLOAT, _INT32, _STRING = 1, 3, 7  # tensorflow.DataType


def _shape(dims: Sequence[int]) -> bytes:
    """TensorShapeProto; -1 is any size."""
    return b"".join(delimited(2, number(1, size)) for size in dims)


def _type(dtype: np.dtype[np.float32] | np.dtype[np.int32]) -> int:
    return _FLOAT if dtype == np.float32 else _INT32


class Attr:
    """Attributes of nodes, each an encoded AttrValue."""

    FLOAT = number(6, _FLOAT)
    INT32 = number(6, _INT32)
    STRING = number(6, _STRING)

    @staticmethod
    def text(value: str) -> bytes:
        """A string."""
        return delimited(2, value.encode())

    @staticmethod
    def number(value: int) -> bytes:
        """An integer."""
        return number(3, value)

    @staticmethod
    def numbers(*values: int) -> bytes:
        """A list of integers."""
        return delimited(1, delimited(3, b"".join(map(varint, values))))

    @staticmethod
    def floats(count: int) -> bytes:
        """A list of types, all of them float32."""
        return delimited(1, delimited(6, bytes([_FLOAT]) * count))

    @staticmethod
    def flag(value: bool) -> bytes:
        """A boolean."""
        return number(5, value)

    @staticmethod
    def shape(*dims: int) -> bytes:
        """The shape of a tensor; -1 is any size."""
        return delimited(7, _shape(dims))

    @staticmethod
    def tensor(value: Array) -> bytes:
        """A constant, float32 or int32, in rows from its last dimension up."""
        content = np.ascontiguousarray(value, value.dtype.newbyteorder("<")).tobytes()
        return delimited(
            8, number(1, _type(value.dtype)), delimited(2, _shape(value.shape)), delimited(4, content)
        )

    @staticmethod
    def filled(value: float, shape: Sequence[int]) -> bytes:
        """A constant of one float32 in all places, which is stored once."""
        content = np.array(value, "<f4").tobytes()
        return delimited(8, number(1, _FLOAT) + delimited(2, _shape(shape)) + delimited(5, content))

    @staticmethod
    def strings(values: Iterable[str], shape: Sequence[int]) -> bytes:
        """A constant of strings."""
        content = b"".join(delimited(8, value.encode()) for value in values)
        return delimited(8, number(1, _STRING) + delimited(2, _shape(shape)) + content)

    @staticmethod
    def type_of(value: Array) -> bytes:
        """The type of a constant."""
        return number(6, _type(value.dtype))


@dataclass(frozen=True)
class Node:
    """An operation on the outputs of other nodes. Attributes come from `Attr`.

    inputs: `name` is the first output of a node, `name:1` its second; `^name` only has to run before.
    """

    name: str
    op: str
    inputs: tuple[str, ...]
    attrs: Mapping[str, bytes]

    def encode(self) -> list[bytes]:
        """A NodeDef, in parts."""
        parts = [delimited(1, self.name.encode()), delimited(2, self.op.encode())]
        parts += [delimited(3, name.encode()) for name in self.inputs]
        parts += [
            delimited(5, delimited(1, key.encode()), delimited(2, self.attrs[key]))
            for key in sorted(self.attrs)
        ]
        return parts


def graph_def(nodes: Iterable[Node]) -> bytes:
    """The content of a `.pb` file; the same bytes for the same nodes."""
    return b"".join((*(delimited(1, *node.encode()) for node in nodes), delimited(4, number(1, _PRODUCER))))


def needed_by(output: str, nodes: Iterable[Node]) -> list[Node]:
    """The nodes that an output is computed from, and its own. Each node has to come after its inputs."""
    wanted, found = {output}, []
    for node in reversed([*nodes]):
        if node.name in wanted:
            wanted.update(node.inputs)
            found.append(node)
    return found[::-1]
