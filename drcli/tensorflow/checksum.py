"""The checksum of TensorFlow's files: CRC-32C, masked because it is stored next to what it covers.

Source: tensorflow/core/lib/hash/crc32c.h.
"""

from __future__ import annotations

import google_crc32c


def masked_crc32c(data: bytes) -> int:
    """The masked checksum, 32 bits."""
    crc = int(google_crc32c.value(data))
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
