"""Three videos of one drive, made side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mp4_files import read_video
from recorded_laps import TRACK, lap

from drcli.errors import DrError
from drcli.watch.scene import CarLook
from drcli.watch.videos.drive import Drive, FilmedCar, Moment, moments
from drcli.watch.videos.filming import Take, film
from drcli.watch.videos.shots import FOLDERS, video_name


@pytest.fixture(scope="module")
def frames() -> tuple[Moment, ...]:
    car = FilmedCar(CarLook("Blitz", "Red"), (lap(steps=30),), ("trial 1/1",))
    return tuple(moments([Drive((car,))]))


@pytest.fixture(scope="module")
def videos(frames: tuple[Moment, ...], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("videos")
    paths = {view: folder / video_name(view) for view in FOLDERS}
    film(TRACK, [Take(view, frames, path) for view, path in paths.items()], lambda done, total: None)
    return paths


def test_they_are_called_as_the_communitys_engine_does(videos: dict[str, Path]) -> None:
    names = [path.relative_to(path.parents[1]).as_posix() for path in videos.values()]
    assert names == ["camera-pip/0-video.mp4", "camera-45degree/0-video.mp4", "camera-topview/0-video.mp4"]


def test_each_shows_the_drive_in_its_own_way(videos: dict[str, Path]) -> None:
    read = {view: read_video(path) for view, path in videos.items()}
    for video in read.values():
        assert (video.codec, video.pixels, video.size, video.fps) == ("h264", "yuv420p", (640, 480), 15.0)
        assert video.seconds == pytest.approx(2.0)  # the lap's
        assert len(video.pictures) == 30
        assert np.abs(video.pictures[5].astype(int) - video.pictures[20]).mean() > 1.0  # it moves
    middles = [read[view].pictures[15].astype(int) for view in FOLDERS]
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert np.abs(middles[one] - middles[other])[80:420].mean() > 10.0


def test_the_car_is_seen_from_behind_and_from_above(videos: dict[str, Path]) -> None:
    def red(view: str) -> int:
        picture = read_video(videos[view]).pictures[15][100:400].astype(int)
        return int(((picture[..., 0] > 150) & (picture[..., 1] < 90) & (picture[..., 2] < 90)).sum())

    assert red("behind") > red("above") > 30
    assert red("camera") > 10  # on the small map


def test_what_is_done_is_told(frames: tuple[Moment, ...], tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    film(TRACK, [Take("above", frames, tmp_path / "a.mp4")], lambda done, total: told.append((done, total)))
    assert told[-1] == (30, 30)
    assert told == sorted(told)


def test_all_or_none(frames: tuple[Moment, ...], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "b.mp4").write_text("older")
    takes = [Take("above", frames, tmp_path / "b.mp4"), Take("behind", frames, tmp_path / "file" / "a.mp4")]
    with pytest.raises(DrError, match="Cannot write"):
        film(TRACK, takes, lambda done, total: None)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.mp4", "file"]
    assert (tmp_path / "b.mp4").read_text() == "older"


def test_nothing_is_left_after_ctrl_c(frames: tuple[Moment, ...], tmp_path: Path) -> None:
    def tell(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        film(TRACK, [Take("behind", frames * 20, tmp_path / "a.mp4")], tell)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_browser_plays_it(videos: dict[str, Path], browser: Any) -> None:
    page = browser.new_page()
    if not page.evaluate("document.createElement('video').canPlayType('video/mp4; codecs=\"avc1.42E01E\"')"):
        pytest.skip("this Chromium has no H.264")
    path = videos["camera"]
    (path.parent / "page.html").write_text(f"<video muted src='{path.name}'></video>")
    page.goto((path.parent / "page.html").as_uri())
    played = page.evaluate(
        """async () => {
          const video = document.querySelector('video');
          await video.play();
          await new Promise(ended => video.onended = ended);
          return [video.duration, video.videoWidth, video.videoHeight, video.error];
        }"""
    )
    page.close()
    assert played == [pytest.approx(2.0, abs=0.01), 640, 480, None]
