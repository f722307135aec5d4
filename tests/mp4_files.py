"""What is in an MP4 file, as FFmpeg reads it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Video:
    """A decoded video. codec: with its profile; atoms: names of the boxes in the order of the file."""

    codec: str
    pixels: str
    size: tuple[int, int]
    fps: float
    seconds: float
    pictures: list[npt.NDArray[np.uint8]]
    atoms: list[str]


def read_video(path: Path) -> Video:
    """Decode all of it."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        pictures = [frame.to_ndarray(format="rgb24") for frame in container.decode(stream)]
        assert (
            stream.duration is not None and stream.time_base is not None and stream.average_rate is not None
        )
        return Video(
            stream.codec_context.name,
            str(stream.pix_fmt),
            (stream.width, stream.height),
            float(stream.average_rate),
            float(stream.duration * stream.time_base),
            pictures,
            _atoms(path.read_bytes()),
        )


def _atoms(data: bytes) -> list[str]:
    names, at = [], 0
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        names.append(data[at + 4 : at + 8].decode())
        at += size
    return names
