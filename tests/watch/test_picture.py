"""Pictures: looked at pixel by pixel."""

from __future__ import annotations

from pathlib import Path

import matplotlib.image
import numpy as np
import numpy.typing as npt
import pytest

from drcli.errors import DrError
from drcli.sim.catalogue import load_track
from drcli.sim.track import Track
from drcli.watch.picture import draw_laps, draw_track, draw_values

OVAL = load_track("drcli_oval", None, "")
FIELD, ROAD, RED = (0x7E, 0x85, 0x41), (0x40, 0x3F, 0x3D), (0xFF, 0, 0)


def pixels(path: Path) -> npt.NDArray[np.uint8]:
    return (matplotlib.image.imread(path)[..., :3] * 255).round().astype(np.uint8)


def share(path: Path, colour: tuple[int, int, int]) -> float:
    return float((np.abs(pixels(path).astype(int) - colour).max(axis=2) <= 2).mean())


def lap(offset_m: float) -> npt.NDArray[np.float64]:
    """`[T, 3]`: around the oval, this far inside the centre line, at 1 to 3 m/s."""
    inward = OVAL.inner - OVAL.center
    xy = OVAL.center + inward / np.hypot(*inward.T)[:, None] * offset_m
    return np.column_stack([xy, np.linspace(1.0, 3.0, len(xy))])


def test_a_track_is_drawn(tmp_path: Path) -> None:
    path = tmp_path / "pictures" / "oval.png"
    draw_track(OVAL, path)
    height, width, _ = pixels(path).shape
    assert width > 1000 and 0.4 < height / width < 0.8
    # 17.4 m of road, 1 m wide, in a field of 9.2 × 5.2 m.
    road, field = share(path, ROAD), share(path, FIELD)
    assert road / (road + field) == pytest.approx(17.4 / 47.8, abs=0.02)


def test_an_open_track_is_drawn(tmp_path: Path) -> None:
    x = np.linspace(0.0, 5.0, 21)
    lines = (np.column_stack([x, np.full_like(x, y)]) for y in (0.0, 0.4, -0.4))
    draw_track(Track("straight", *lines), tmp_path / "straight.png")
    assert share(tmp_path / "straight.png", ROAD) > 0.05


@pytest.mark.slow
def test_laps_are_coloured_by_speed_and_crossed_out_off_the_road(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.png", tmp_path / "bad.png"
    draw_laps(OVAL, [lap(0.0), lap(0.3)], "two laps", good)
    draw_laps(OVAL, [lap(0.0), lap(0.7)], "one of them on the grass", bad)
    assert share(good, RED) == 0.0 < share(bad, RED)
    colours = {tuple(colour) for colour in pixels(good).reshape(-1, 3)}
    assert len(colours) > 100


def test_no_laps_leave_a_track(tmp_path: Path) -> None:
    draw_laps(OVAL, [], "", tmp_path / "none.png")
    assert share(tmp_path / "none.png", ROAD) > 0.1


def test_a_picture_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(DrError, match=r"Cannot write .*: Is a directory"):
        draw_track(OVAL, tmp_path)


def test_values_are_drawn_on_their_places(tmp_path: Path) -> None:
    """Yellow, the highest, on the inner half of the road; dark violet, the lowest, on the outer half."""
    path = tmp_path / "values.png"
    shares = np.linspace(0.0, 1.0, 9)[:, None, None]
    grid = OVAL.inner[:-1] + shares * (OVAL.outer - OVAL.inner)[:-1]
    values = np.repeat(np.where(shares[:, :, 0] < 0.5, 3.0, -1.0), grid.shape[1], axis=1)
    draw_values(OVAL, grid, values, ("rewards", "reward"), path)
    high, low = share(path, (0xFD, 0xE7, 0x25)), share(path, (0x44, 0x01, 0x54))
    assert 0.03 < high < low < 0.2, "the outer half is larger"
