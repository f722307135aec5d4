"""MP4 files that every player plays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from mp4_files import read_video

from drcli.errors import DrError
from drcli.watch.videos.frame_kernels import darken, to_yuv
from drcli.watch.videos.video_writer import VideoWriter

COLOURS = [(200, 30, 40), (20, 160, 60), (40, 50, 220), (128, 128, 128), (255, 255, 255), (0, 0, 0)]


def plain(colour: tuple[int, int, int]) -> np.ndarray:
    return np.full((480, 640, 3), colour, np.uint8)


def test_it_is_h264_with_its_index_first(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "a.mp4"
    with VideoWriter(path, 640, 480) as writer:
        for colour in COLOURS * 5:
            writer.add(plain(colour))
    video = read_video(path)
    assert (video.codec, video.pixels, video.size, video.fps) == ("h264", "yuv420p", (640, 480), 15.0)
    assert video.seconds == pytest.approx(2.0)
    assert video.atoms.index("moov") < video.atoms.index("mdat")  # plays before it is loaded
    assert len(video.pictures) == 30


def test_colours_are_those_that_were_added(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "a.mp4", 640, 480, threads=2) as writer:
        for colour in COLOURS:
            writer.add(plain(colour))
    for colour, picture in zip(COLOURS, read_video(tmp_path / "a.mp4").pictures, strict=True):
        assert picture.reshape(-1, 3).mean(axis=0) == pytest.approx(colour, abs=4)


def test_colours_as_ffmpeg_converts_them() -> None:
    import av

    picture = np.random.default_rng(3).integers(0, 256, (48, 64, 3)).astype(np.uint8)
    ours = np.empty((72, 64), np.uint8)
    to_yuv(picture, ours)
    theirs = av.VideoFrame.from_ndarray(picture, "rgb24").reformat(format="yuv420p").to_ndarray()
    assert np.abs(ours[:48].astype(int) - theirs[:48]).max() <= 2
    assert np.abs(ours.astype(int) - theirs).mean() < 2


def test_rows_are_darkened() -> None:
    picture = np.full((2, 3, 3), 200, np.uint8)
    darken(picture, np.array([256, 64]))
    assert picture[0].max() == picture[0].min() == 200
    assert picture[1].max() == picture[1].min() == 50


def test_a_failure_leaves_no_part(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), VideoWriter(tmp_path / "a.mp4", 640, 480) as writer:
        writer.add(plain(COLOURS[0]))
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_a_place_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    for path in (tmp_path / "file" / "a.mp4", tmp_path / "folder"):
        with (
            pytest.raises(DrError, match=r"Cannot write .*(file|folder)"),
            VideoWriter(path, 640, 480) as writer,
        ):
            writer.add(plain(COLOURS[0]))
