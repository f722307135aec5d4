"""Variables of TensorFlow checkpoints. What real TensorFlow says of them is in tests/train."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from drcli.tensorflow.checksum import masked_crc32c
from drcli.tensorflow.protobuf import delimited, fixed32, number
from drcli.tensorflow.table_file import read_table, write_table
from drcli.tensorflow.tensor_bundle import read_bundle, shard_suffix, write_bundle

VARIABLES = {
    "net/kernel": np.arange(12, dtype=np.float32).reshape(3, 4),
    "net/bias": np.array([0.5, -2.0], np.float32),
    "rescaler": np.array(1.0, np.float32),
}
shapes = array_shapes(min_dims=0, max_dims=4, max_side=5)


@dataclass(frozen=True)
class Entry:
    """An entry of an index, however wrong."""

    content: bytes
    dtype: int = 1
    shape: tuple[int, ...] = (2,)
    shard: int = 0
    offset: int = 0
    checksum: int | None = None
    more: bytes = b""

    def encode(self) -> bytes:
        dims = b"".join(delimited(2, number(1, size)) for size in self.shape)
        checksum = masked_crc32c(self.content) if self.checksum is None else self.checksum
        return b"".join(
            (
                number(1, self.dtype),
                delimited(2, dims),
                number(3, self.shard),
                number(4, self.offset),
                number(5, len(self.content)),
                fixed32(6, checksum),
                self.more,
            )
        )


def index(entries: dict[str, Entry], header: bytes = number(1, 1)) -> bytes:
    return write_table({b"": header} | {name.encode(): entry.encode() for name, entry in entries.items()})


def assert_same(found: dict[str, Any], wanted: dict[str, Any]) -> None:
    assert found.keys() == wanted.keys()
    for name, value in wanted.items():
        assert found[name].shape == value.shape
        np.testing.assert_array_equal(found[name], value)


@given(st.dictionaries(st.text(min_size=1, max_size=20), arrays(np.float32, shapes), max_size=6))
def test_what_is_written_is_read(variables: dict[str, Any]) -> None:
    bundle = write_bundle(variables)
    assert_same(read_bundle(bundle.index, {0: bundle.data}), variables)
    assert bundle == write_bundle(dict(reversed(variables.items())))


def test_values_stand_in_any_memory_layout() -> None:
    kernel = np.arange(24, dtype=np.float32).reshape(2, 3, 4).transpose(2, 0, 1)
    bundle = write_bundle({"kernel": kernel})
    assert_same(read_bundle(bundle.index, {0: bundle.data}), {"kernel": kernel})


def test_several_shards_and_types_are_read_and_strings_left_out() -> None:
    steps, rate = np.array(7, "<i8"), np.array([1.5, 2.5], "<f8")
    entries = {
        "steps": Entry(steps.tobytes(), dtype=9, shape=(), shard=1),
        "rate": Entry(rate.tobytes(), dtype=2, shard=0, offset=3),
        "graph": Entry(b"text", dtype=7, shard=1, offset=8),
    }
    shards = {0: b"\0\0\0" + rate.tobytes(), 1: steps.tobytes() + b"text"}
    assert_same(read_bundle(index(entries, number(1, 2)), shards), {"steps": steps, "rate": rate})


TWO = np.array([1.0, 2.0], "<f4").tobytes()


@pytest.mark.parametrize(
    ("entries", "header", "message"),
    [
        ({"a": Entry(TWO, offset=1)}, number(1, 1), "a is beyond the end of data file 0"),
        ({"a": Entry(TWO, offset=-1)}, number(1, 1), "a is beyond the end"),
        ({"a": Entry(TWO, shape=(3,))}, number(1, 1), r"a has 8 bytes; its shape is \(3,\)"),
        ({"a": Entry(TWO, shape=(-1, -2))}, number(1, 1), "a has 8 bytes"),
        ({"a": Entry(TWO, shape=(1 << 62, 4))}, number(1, 1), "a has 8 bytes"),
        ({"a": Entry(TWO, shape=(1 << 62,) * 100_000)}, number(1, 1), "a variable has 100,000 dimensions"),
        ({"a": Entry(TWO, checksum=1)}, number(1, 1), "a does not match its checksum"),
        ({"a": Entry(TWO, more=delimited(7, b""))}, number(1, 1), "a is stored in slices"),
        ({"a": Entry(TWO, shard=1)}, number(1, 2), "a is in data file 1, which is missing"),
        ({"a": Entry(TWO)}, number(1, 0), "1 data files; its index lists 0"),
        ({"a": Entry(TWO)}, number(1, 1) + number(2, 1), "big-endian"),
        ({"a": Entry(TWO)}, delimited(1, b"x"), "bytes where an integer belongs"),
    ],
)
def test_wrong_entries_are_refused(entries: dict[str, Entry], header: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_bundle(index(entries, header), {0: TWO})


@settings(max_examples=300)
@given(st.data())
def test_damaged_files_are_refused(data: st.DataObject) -> None:
    """A changed or missing byte of the values is always noticed, one of the index unless it means nothing."""
    good = write_bundle(VARIABLES)
    part = data.draw(st.sampled_from(["index", "data"]))
    content: bytes = getattr(good, part)
    at = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        content = content[:at]
    else:
        content = content[:at] + bytes([content[at] ^ data.draw(st.integers(1, 255))]) + content[at + 1 :]
    bad = replace(good, **{part: content})
    try:
        found = read_bundle(bad.index, {0: bad.data})
    except ValueError:
        return
    assert part == "index"
    assert_same(found, VARIABLES)


@given(st.binary(max_size=200))
def test_any_entry_is_read_or_refused(entry: bytes) -> None:
    table = read_table(write_bundle(VARIABLES).index)
    with contextlib.suppress(ValueError):
        read_bundle(write_table(table | {b"x": entry}), {0: TWO})


def test_names_of_shards() -> None:
    assert shard_suffix() == "data-00000-of-00001"
    assert shard_suffix(1, 12) == "data-00001-of-00012"
