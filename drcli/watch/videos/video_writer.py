"""An MP4 file with H.264 that QuickTime, VLC and browsers play: yuv420p, and its index before the pictures.

PyAV is imported on first use; its wheels contain FFmpeg and x264.
"""

from __future__ import annotations

from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from drcli.errors import DrError
from drcli.watch.videos.frame_kernels import to_yuv

FPS = 15  # as simapp's videos, and as often as a car decides
_QUALITY = {
    "preset": "ultrafast",  # the next slower one takes twice as long and saves a third of the size
    "crf": "24",
    "g": str(2 * FPS),  # a player can jump to each second second
    "x264-params": "colorprim=smpte170m:transfer=smpte170m:colormatrix=smpte170m",
}


class VideoWriter:
    """Writes pictures of one size as a video. To be used in a `with` block, which leaves no part of a file.

    Args:
        path: of the MP4 file.
        width_px: of its pictures, even.
        height_px: the same.
        threads: that compress.

    Raises:
        DrError: the file cannot be written, or PyAV has no H.264.
    """

    def __init__(self, path: Path, width_px: int, height_px: int, threads: int = 1) -> None:
        self.path = path
        self._frame = np.empty((height_px * 3 // 2, width_px), np.uint8)
        self._threads = threads
        self._container: Any = None
        self._stream: Any = None

    def __enter__(self) -> Self:
        import av

        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._container = av.open(str(self.path), "w", format="mp4", options={"movflags": "faststart"})
            self._stream = self._container.add_stream("libx264", rate=FPS, options=_QUALITY)
        except ValueError as error:  # PyAV's UnknownCodecError
            self._abandon()
            raise DrError(
                f"PyAV cannot write H.264: {error}.", "Install it from PyPI: `pip install av`."
            ) from None
        except OSError as error:  # PyAV's own errors among them
            raise self._explained(error) from error
        self._stream.width, self._stream.height = self._frame.shape[1], len(self._frame) * 2 // 3
        self._stream.pix_fmt = "yuv420p"
        self._stream.time_base = Fraction(1, FPS)
        self._stream.codec_context.thread_count = self._threads
        return self

    def add(self, picture: npt.NDArray[np.uint8]) -> None:
        """The next picture, `[height, width, 3]`: red, green, blue."""
        import av

        to_yuv(picture, self._frame)
        try:
            frame = av.VideoFrame.from_ndarray(self._frame, "yuv420p")
            self._container.mux(self._stream.encode(frame))
        except av.FFmpegError as error:
            raise self._explained(error) from error

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        import av

        if kind is not None:
            self._abandon()
            return
        try:
            self._container.mux(self._stream.encode())
            self._container.close()
        except (av.FFmpegError, OSError) as error:
            self._abandon()
            raise self._explained(error) from error

    def _abandon(self) -> None:
        if self._container is not None:
            import av

            with suppress(av.FFmpegError, OSError):  # what was wrong is being raised already
                self._container.close()
        with suppress(OSError):
            self.path.unlink(missing_ok=True)

    def _explained(self, error: BaseException) -> DrError:
        reason = getattr(error, "strerror", None) or error
        return DrError(f"Cannot write {self.path}: {reason}.", "Is the disk full, or the folder read-only?")
