"""Sorted tables of keys and values, LevelDB's format, which the index of a TensorFlow checkpoint is in.

A file is blocks, each followed by its compression and a checksum; then a block that lists the blocks, and a footer.
Within a block a key repeats nothing that it shares with the key before, except at restart points.
Source: tensorflow/core/lib/io/table_format.txt.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping

from drcli.tensorflow.checksum import masked_crc32c
from drcli.tensorflow.protobuf import read_varint, varint

MAX_BYTES = 4 << 20  # of a table, unpacked, and of all its keys; that of a DeepRacer model has 1,200

_MAGIC = struct.pack("<Q", 0xDB4775248B80FB57)
_FOOTER_BYTES, _HANDLES_BYTES = 48, 40
_TRAILER_BYTES = 5
_PLAIN, _SNAPPY = 0, 1
_BLOCK_BYTES = 256 << 10  # a block ends once it is that long
_RESTART_INTERVAL = 16  # keys


def write_table(entries: Mapping[bytes, bytes]) -> bytes:
    """The file for some entries, uncompressed, as TensorFlow has written them since version 1.2."""
    out, listed = bytearray(), []
    for block, last_key in _blocks(sorted(entries.items())):
        listed.append((last_key, _append(out, block)))
    # Where a block ends is any key between its last and the next block's first; after the last, a short one will do.
    if listed:
        listed[-1] = _successor(listed[-1][0]), listed[-1][1]
    footer = _append(out, _block([])) + _append(out, _block(listed, restart_interval=1))
    return bytes(out) + footer.ljust(_HANDLES_BYTES, b"\0") + _MAGIC


def read_table(data: bytes) -> dict[bytes, bytes]:
    """The entries of a file, in their order. Raises ValueError, in memory bounded by MAX_BYTES, if it is damaged."""
    if len(data) > MAX_BYTES:
        raise ValueError(f"the table has {len(data):,} bytes; at most {MAX_BYTES:,} are read")
    if len(data) < _FOOTER_BYTES or not data.endswith(_MAGIC):
        raise ValueError("it is not a table of TensorFlow, or its end is missing")
    entries: dict[bytes, bytes] = {}
    left = MAX_BYTES
    _, at = _handle(data[-_FOOTER_BYTES:], 0)
    index, _ = _handle(data[-_FOOTER_BYTES:], at)
    for _, handle in _entries(_content(data, index, left)):
        block = _content(data, _handle(handle, 0)[0], left)
        left -= len(block)
        entries.update(_entries(block))
    return entries


def _blocks(items: Iterable[tuple[bytes, bytes]]) -> Iterator[tuple[bytes, bytes]]:
    """Blocks, and the last key of each."""
    batch: list[tuple[bytes, bytes]] = []
    size = 0
    for item in items:
        batch.append(item)
        size += len(item[0]) + len(item[1])
        if size >= _BLOCK_BYTES:
            yield _block(batch), item[0]
            batch, size = [], 0
    if batch:
        yield _block(batch), batch[-1][0]


def _block(items: Iterable[tuple[bytes, bytes]], restart_interval: int = _RESTART_INTERVAL) -> bytes:
    out, restarts, previous = bytearray(), [0], b""
    for number, (key, value) in enumerate(items):
        shared = 0
        if number % restart_interval:
            shared = _num_shared(previous, key)
        elif number:
            restarts.append(len(out))
        out += varint(shared) + varint(len(key) - shared) + varint(len(value)) + key[shared:] + value
        previous = key
    return bytes(out) + struct.pack(f"<{len(restarts) + 1}I", *restarts, len(restarts))


def _num_shared(one: bytes, other: bytes) -> int:
    return next(
        (n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )


def _append(out: bytearray, block: bytes) -> bytes:
    """Append a block and its trailer; returns its handle: offset and size."""
    handle = varint(len(out)) + varint(len(block))
    content = block + bytes([_PLAIN])
    out += content + struct.pack("<I", masked_crc32c(content))
    return handle


def _successor(key: bytes) -> bytes:
    """A short key that is not less."""
    at = next((at for at, byte in enumerate(key) if byte != 0xFF), None)
    return key if at is None else key[:at] + bytes([key[at] + 1])


def _handle(data: bytes, at: int) -> tuple[tuple[int, int], int]:
    offset, at = read_varint(data, at)
    size, at = read_varint(data, at)
    return (offset, size), at


def _content(data: bytes, handle: tuple[int, int], limit: int) -> bytes:
    """The content of a block, unpacked to at most `limit` bytes."""
    offset, size = handle
    end = offset + size
    if end + _TRAILER_BYTES > len(data):
        raise ValueError("a block is cut off")
    kind = data[end]
    if int.from_bytes(data[end + 1 : end + _TRAILER_BYTES], "little") != masked_crc32c(
        data[offset : end + 1]
    ):
        raise ValueError("a block does not match its checksum")
    if kind == _SNAPPY:
        return _unpacked(data[offset:end], limit)
    if kind != _PLAIN:
        raise ValueError(f"a block has the unknown compression {kind}")
    if size > limit:
        raise ValueError(f"the table has more than {MAX_BYTES:,} bytes")
    return data[offset:end]


def _unpacked(packed: bytes, limit: int) -> bytes:
    import cramjam

    size, _ = read_varint(packed, 0)
    if size > limit:
        raise ValueError(f"unpacked, the table has more than {MAX_BYTES:,} bytes")
    try:
        return bytes(cramjam.snappy.decompress_raw(packed))
    except cramjam.DecompressionError as error:
        raise ValueError("a compressed block is damaged") from error


def _entries(block: bytes) -> Iterator[tuple[bytes, bytes]]:
    (num_restarts,) = struct.unpack("<I", block[-4:].rjust(4, b"\xff"))
    end = len(block) - 4 * (num_restarts + 1)
    if end < 0:
        raise ValueError("a block is too short for its restart points")
    at, key, left = 0, b"", MAX_BYTES
    while at < end:
        shared, at = read_varint(block, at)
        num_more, at = read_varint(block, at)
        num_value, at = read_varint(block, at)
        start = at + num_more
        if shared > len(key) or start + num_value > end:
            raise ValueError("an entry of a block is cut off")
        left -= shared + num_more  # a few bytes can repeat a long key
        if left < 0:
            raise ValueError(f"the keys of a block have more than {MAX_BYTES:,} bytes")
        key = key[:shared] + block[at:start]
        at = start + num_value
        yield key, block[start:at]
