"""Pictures of a race in colour: they show what is there, from where it is said."""

from __future__ import annotations

import math

import numpy as np
import pytest
from PIL import Image

from drcli.sim.catalogue import load_track
from drcli.sim.constants import NOSE_M
from drcli.sim.pose_files import pictures_at
from drcli.watch.pictures.painter import VIEWS, Painter
from drcli.watch.scene import Scene, SceneCar

WIDTH, HEIGHT = 160, 120


@pytest.fixture(scope="module")
def painter() -> Painter:
    return Painter(load_track("drcli_oval", None, ""))


def car_at(ndist: float, color: str = "Red") -> SceneCar:
    x, y, heading = load_track("drcli_oval", None, "").pose_at(ndist)
    return SceneCar(x - NOSE_M * math.cos(heading), y - NOSE_M * math.sin(heading), heading, color)


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_has_the_size_that_is_asked_for(painter: Painter, view: str) -> None:
    picture = painter.paint(view, Scene((car_at(0.1),)), 96, 72)
    assert (picture.shape, picture.dtype) == ((72, 96, 3), np.uint8)
    assert picture.std() > 10.0


def test_the_car_sees_what_its_sensor_sees(painter: Painter) -> None:
    track = load_track("drcli_oval", None, "")
    for ndist in (0.05, 0.3, 0.7):
        seen = painter.paint("camera", Scene((car_at(ndist),)), WIDTH, HEIGHT)
        grey = np.asarray(Image.fromarray(seen).convert("L"), np.float64)[60:]
        (sensor,) = pictures_at(track, [track.pose_at(ndist)])
        assert np.corrcoef(grey.ravel(), sensor[60:].astype(np.float64).ravel())[0, 1] > 0.8


def test_the_map_shows_each_car_in_its_colour(painter: Painter) -> None:
    def reddish(*cars: SceneCar) -> int:
        picture = painter.paint("above", Scene(cars), 320, 240).astype(int)
        return int(((picture[..., 0] > 150) & (picture[..., 1] < 90) & (picture[..., 2] < 90)).sum())

    assert reddish(car_at(0.1), car_at(0.6)) > reddish(car_at(0.1)) > reddish(car_at(0.1, "Blue"))


def test_the_car_is_seen_from_behind(painter: Painter) -> None:
    red, blue = (
        painter.paint("behind", Scene((car_at(0.1, color),)), WIDTH, HEIGHT) for color in ("Red", "Blue")
    )
    rows, columns = np.nonzero(np.abs(red.astype(int) - blue.astype(int)).sum(axis=-1) > 60)
    assert len(rows) > 20
    assert abs(columns.mean() - WIDTH / 2) < WIDTH / 10
