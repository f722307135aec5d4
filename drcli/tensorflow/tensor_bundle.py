"""The variables of a TensorFlow checkpoint: a table of names, `.index`, and their values, `.data-<shard>-of-<shards>`.

Source: tensorflow/core/protobuf/tensor_bundle.proto, tensorflow/core/util/tensor_bundle/.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drcli.tensorflow.checksum import masked_crc32c
from drcli.tensorflow.protobuf import as_bytes, as_int, delimited, fields, fixed32, message, number
from drcli.tensorflow.table_file import read_table, write_table

Variables = Mapping[str, NDArray[np.float32]]

_FLOAT = 1  # tensorflow.DataType
_DTYPES: dict[int, np.dtype[Any]] = {
    1: np.dtype("<f4"),
    2: np.dtype("<f8"),
    3: np.dtype("<i4"),
    9: np.dtype("<i8"),
}
_HEADER_KEY = b""
_BIG_ENDIAN = 1
_MOST_DIMENSIONS = 8
_PRODUCER = 1  # version of the format


@dataclass(frozen=True)
class Bundle:
    """The two files of a checkpoint with one shard."""

    index: bytes
    data: bytes


def shard_suffix(shard: int = 0, shards: int = 1) -> str:
    """The file name suffix of a shard: `data-00000-of-00001`."""
    return f"data-{shard:05}-of-{shards:05}"


def write_bundle(variables: Variables) -> Bundle:
    """The files for float32 variables; the same values give the same bytes, and those that TensorFlow writes."""
    entries = {_HEADER_KEY: number(1, 1) + delimited(3, number(1, _PRODUCER))}
    parts, offset = [], 0
    for name in sorted(variables):
        content = np.ascontiguousarray(variables[name], "<f4").tobytes()
        entries[name.encode()] = _entry(variables[name].shape, offset, content)
        parts.append(content)
        offset += len(content)
    return Bundle(write_table(entries), b"".join(parts))


def read_bundle(index: bytes, shards: Mapping[int, bytes]) -> dict[str, NDArray[Any]]:
    """The numeric variables by name, as views of the shards; a checkpoint's strings are left out.

    Raises:
        ValueError: a file is damaged, or something is missing. Nothing is allocated for sizes that a file claims.
    """
    table = read_table(index)
    header = message(table.pop(_HEADER_KEY, b""))
    num_shards = as_int(header.get(1))
    if as_int(header.get(2)) == _BIG_ENDIAN:
        raise ValueError("it was written on a big-endian machine")
    if num_shards < 1 or any(shard not in range(num_shards) for shard in shards):
        raise ValueError(f"it has {len(shards)} data files; its index lists {num_shards}")
    found = ((name.decode(), _Stored.parse(value)) for name, value in table.items())
    return {
        name: stored.read(name, shards.get(stored.shard)) for name, stored in found if stored.dtype in _DTYPES
    }


def num_data_bytes(index: bytes) -> int:
    """How long a single data file has to be. Raises ValueError if the table is damaged."""
    table = read_table(index)
    table.pop(_HEADER_KEY, None)
    stored = map(_Stored.parse, table.values())
    return max((value.offset + value.size for value in stored), default=0)


def shapes_in(index: bytes) -> dict[str, tuple[int, ...]]:
    """The shapes of all variables by name. Raises ValueError if the table is damaged."""
    table = read_table(index)
    table.pop(_HEADER_KEY, None)
    return {name.decode(): _Stored.parse(value).shape for name, value in table.items()}


def _entry(shape: tuple[int, ...], offset: int, content: bytes) -> bytes:
    """A BundleEntryProto; numbers that are 0 are left out."""
    dims = b"".join(delimited(2, number(1, size) if size else b"") for size in shape)
    return (
        number(1, _FLOAT)
        + delimited(2, dims)
        + (number(4, offset) if offset else b"")
        + (number(5, len(content)) if content else b"")
        + fixed32(6, masked_crc32c(content))
    )


@dataclass(frozen=True)
class _Stored:
    """Where a variable's value is."""

    dtype: int
    shape: tuple[int, ...]
    shard: int
    offset: int
    size: int
    checksum: int
    is_sliced: bool

    @classmethod
    def parse(cls, entry: bytes) -> _Stored:
        parts = message(entry)
        dims = [as_bytes(value) for key, value in fields(as_bytes(parts.get(2))) if key == 2]
        if len(dims) > _MOST_DIMENSIONS:
            raise ValueError(f"a variable has {len(dims):,} dimensions")
        return cls(
            as_int(parts.get(1)),
            tuple(as_int(message(dim).get(1)) for dim in dims),
            as_int(parts.get(3)),
            as_int(parts.get(4)),
            as_int(parts.get(5)),
            int.from_bytes(as_bytes(parts.get(6)), "little"),
            7 in parts,
        )

    def read(self, name: str, shard: bytes | None) -> NDArray[Any]:
        dtype = _DTYPES[self.dtype]
        if self.is_sliced:
            raise ValueError(f"{name} is stored in slices")
        if shard is None:
            raise ValueError(f"{name} is in data file {self.shard}, which is missing")
        if any(size < 0 for size in self.shape) or prod(self.shape) * dtype.itemsize != self.size:
            raise ValueError(f"{name} has {self.size:,} bytes; its shape is {self.shape}")
        if not 0 <= self.offset <= len(shard) - self.size:
            raise ValueError(f"{name} is beyond the end of data file {self.shard}")
        content = shard[self.offset : self.offset + self.size]
        if masked_crc32c(content) != self.checksum:
            raise ValueError(f"{name} does not match its checksum")
        values: NDArray[Any] = np.frombuffer(content, dtype).reshape(self.shape)
        return values
