"""Tables: TensorFlow's own ones are written byte for byte, and hostile ones refused in bounded memory."""

from __future__ import annotations

import contextlib
import struct
import tracemalloc
from pathlib import Path

import cramjam
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drcli.tensorflow.checksum import masked_crc32c
from drcli.tensorflow.protobuf import varint
from drcli.tensorflow.table_file import MAX_BYTES, read_table, write_table

GRAPHS = Path(__file__).parents[3] / "shared" / "graphs"
ENTRIES = {f"network/layer_{n:03}/kernel".encode(): bytes([n]) * n for n in range(100)}
PLAIN, SNAPPY = 0, 1


def block(*entries: tuple[int, bytes, bytes]) -> bytes:
    """Entries, each with the length that its key shares with the key before."""
    content = b"".join(
        varint(n) + varint(len(key)) + varint(len(value)) + key + value for n, key, value in entries
    )
    return content + struct.pack("<2I", 0, 1)


def table(content: bytes, kind: int = PLAIN) -> bytes:
    """A file with one block, however wrong."""
    out = b""

    def append(data: bytes, kind: int) -> bytes:
        nonlocal out
        handle = varint(len(out)) + varint(len(data))
        out += data + bytes([kind]) + struct.pack("<I", masked_crc32c(data + bytes([kind])))
        return handle

    handle = append(content, kind)
    footer = append(block(), PLAIN) + append(block((0, b"z", handle)), PLAIN)
    return out + footer.ljust(40, b"\0") + struct.pack("<Q", 0xDB4775248B80FB57)


@pytest.mark.skipif(not GRAPHS.is_dir(), reason="reference graphs are not on this machine")
@pytest.mark.parametrize("graph", ["ppo-discrete-9", "ppo-continuous"])
def test_a_table_of_tensorflow_is_written_again_byte_for_byte(graph: str) -> None:
    (path,) = (GRAPHS / graph).glob("*.index")
    entries = read_table(path.read_bytes())
    assert len(entries) in (23, 24)
    assert write_table(entries) == path.read_bytes()


@given(st.dictionaries(st.binary(max_size=40), st.binary(max_size=300), max_size=60))
def test_what_is_written_is_read(entries: dict[bytes, bytes]) -> None:
    assert read_table(write_table(entries)) == entries


def test_long_tables_have_several_blocks() -> None:
    entries = {f"{n:06}".encode(): bytes(1000) for n in range(1500)}
    assert read_table(write_table(entries)) == entries


def test_compressed_blocks_are_read() -> None:
    content = block(*((0, key, value) for key, value in ENTRIES.items()))
    packed = bytes(cramjam.snappy.compress_raw(content))
    assert len(packed) < len(content)
    assert read_table(table(packed, SNAPPY)) == ENTRIES


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not a table"),
        (write_table(ENTRIES)[:-1], "end is missing"),
        (write_table(ENTRIES)[500:], "cut off|checksum"),
        (table(block((0, b"a", b"b")), kind=7), "unknown compression 7"),
        (table(block((3, b"a", b"b"))), "entry of a block is cut off"),
        (table(b"\x00"), "too short"),
        (table(b"\xff" * 20), "too short"),
        (table(varint(1 << 40) + b"x", SNAPPY), "more than"),
        (table(varint(100) + b"x", SNAPPY), "damaged"),
        (bytes(MAX_BYTES + 1), "at most"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_damaged_tables_are_refused(data: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_table(data)


@given(st.data())
def test_any_changed_byte_is_noticed_or_harmless(data: st.DataObject) -> None:
    good = write_table(ENTRIES)
    at = data.draw(st.integers(0, len(good) - 1))
    bad = good[:at] + bytes([good[at] ^ data.draw(st.integers(1, 255))]) + good[at + 1 :]
    with contextlib.suppress(ValueError):
        assert read_table(bad) == ENTRIES  # for example in the padding of the footer


@given(st.binary(max_size=400), st.sampled_from([PLAIN, SNAPPY]))
def test_any_block_is_read_or_refused(content: bytes, kind: int) -> None:
    with contextlib.suppress(ValueError):
        read_table(table(content, kind))


@pytest.mark.parametrize("kind", [PLAIN, SNAPPY])
def test_memory_is_bounded(kind: int) -> None:
    """Two bytes of an entry can stand for a key of any length, and a byte of snappy for sixty."""
    long = b"k" * 100_000
    content = block((0, long, b""), *((len(long), b"%d" % n, b"") for n in range(1000)))
    packed = bytes(cramjam.snappy.compress_raw(content)) if kind == SNAPPY else content
    tracemalloc.start()
    with pytest.raises(ValueError, match="keys of a block have more than"):
        read_table(table(packed, kind))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 6 * MAX_BYTES
