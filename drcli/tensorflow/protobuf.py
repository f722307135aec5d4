"""The wire format of protocol buffers: fields written one by one, and a strict reader of foreign messages.

Source: https://protobuf.dev/programming-guides/encoding/.
"""

from __future__ import annotations

from collections.abc import Iterator

_VARINT, _DELIMITED, _FIXED32 = 0, 2, 5  # wire types
_LONGEST_VARINT = 10  # bytes


def varint(value: int) -> bytes:
    """An integer; negative ones as 64 bits of two's complement."""
    value &= 2**64 - 1
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def number(field: int, value: int) -> bytes:
    """A field that is an integer, a boolean or a member of an enumeration."""
    return varint(field << 3 | _VARINT) + varint(value)


def delimited(field: int, *parts: bytes) -> bytes:
    """A field that is a string, bytes, a message or a packed list. Large ones in parts are copied once, not thrice."""
    return b"".join((varint(field << 3 | _DELIMITED), varint(sum(map(len, parts))), *parts))


def fixed32(field: int, value: int) -> bytes:
    """A field that is an unsigned integer of four bytes."""
    return varint(field << 3 | _FIXED32) + value.to_bytes(4, "little")


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    """The unsigned integer at a position, and where the next thing begins. Raises ValueError if it is cut off."""
    value = 0
    for length, byte in enumerate(data[at : at + _LONGEST_VARINT]):
        value |= (byte & 0x7F) << 7 * length
        if byte < 0x80:
            return value, at + length + 1
    raise ValueError("an integer is cut off or too long")


def signed(value: int) -> int:
    """An unsigned integer of 64 bits as the signed one that it stands for."""
    return value - 2**64 if value >= 2**63 else value


def fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The fields of a message in their order: varints as integers, everything else as bytes.

    Raises:
        ValueError: the message is malformed.
    """
    at = 0
    while at < len(data):
        tag, at = read_varint(data, at)
        match tag & 7:
            case 0:
                value, at = read_varint(data, at)
                yield tag >> 3, value
                continue
            case 1:
                size = 8
            case 2:
                size, at = read_varint(data, at)
            case 5:
                size = 4
            case kind:
                raise ValueError(f"a field of the unknown wire type {kind}")
        if size > len(data) - at:
            raise ValueError("a field is cut off")
        yield tag >> 3, data[at : at + size]
        at += size


def message(data: bytes) -> dict[int, int | bytes]:
    """The last value of each field of a message. Raises ValueError if it is malformed."""
    return dict(fields(data))


def as_bytes(value: int | bytes | None) -> bytes:
    """A field that has to be bytes; empty if it is absent. Raises ValueError for an integer."""
    if isinstance(value, int):
        raise ValueError("an integer where bytes belong")
    return value or b""


def as_int(value: int | bytes | None) -> int:
    """A field that has to be an integer, signed; 0 if it is absent. Raises ValueError for bytes."""
    if isinstance(value, bytes):
        raise ValueError("bytes where an integer belongs")
    return signed(value or 0)
