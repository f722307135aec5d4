"""What is written over the pictures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from drcli.watch.scene import CarLook, Scene, SceneCar
from drcli.watch.videos import lettering
from drcli.watch.videos.drive import Caption, Moment
from drcli.watch.videos.overlay import FOOT_PX, clock, colour_of, draw_overlay, head_px, number

ANNA = Caption(CarLook("Anna Müller", "Red"), "trial 2/5", 12.345, 1, 2.5, 0.75, 301.5, 62.0)
BOB = replace(ANNA, look=CarLook("Bob", "Blue"), time_s=13.0)


def drawn(*captions: Caption, watched: int = 0) -> np.ndarray:
    picture = np.full((480, 640, 3), 150, np.uint8)
    draw_overlay(picture, Moment(Scene((SceneCar(0.0, 0.0, 0.0),)), 0.0, captions, watched))
    return picture


def differ(one: np.ndarray, other: np.ndarray) -> set[str]:
    """In which parts two pictures differ."""
    rows, columns = np.nonzero((one != other).any(axis=-1))
    return {
        f"{'head' if row < 66 else 'foot' if row >= 480 - FOOT_PX else 'middle'} {'left' if column < 320 else 'right'}"
        for row, column in zip(rows, columns, strict=True)
    }


def test_nothing_but_the_panels_is_drawn_over() -> None:
    picture = drawn(ANNA)
    assert (picture[head_px(1) : -FOOT_PX] == 150).all()
    assert (picture[:20].max(axis=-1) > 240).any()  # letters
    assert picture[0].max() < 60  # and dark behind them


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"look": CarLook("Zoe", "Red")}, {"head left"}),
        ({"look": CarLook("Anna Müller", "Blue")}, {"head left"}),
        ({"label": "trial 3/5"}, {"head left"}),
        ({"resets": 2}, {"head left"}),
        ({"best_s": 9.5}, {"head left"}),
        ({"time_s": 15.0}, {"head right"}),
        ({"is_finished": True}, {"head right"}),
        ({"speed_mps": 1.0}, {"foot left"}),
        ({"reward": 0.11}, {"foot left"}),
        ({"total_reward": 555.5}, {"foot right"}),
        ({"progress": 99.0}, {"foot right"}),
        ({"fault": "off track"}, {"head left", "middle left", "middle right"}),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_everything_has_its_place(change: dict[str, object], where: set[str]) -> None:
    assert differ(drawn(ANNA), drawn(replace(ANNA, **change))) == where  # type: ignore[arg-type]


def test_two_cars_have_a_line_each() -> None:
    both = drawn(ANNA, BOB)
    assert head_px(2) > head_px(1)
    changed = np.nonzero((both != drawn(ANNA, replace(BOB, time_s=20.0))).any(axis=(1, 2)))[0]
    assert changed.min() > 45 and changed.max() < head_px(2)
    slower = replace(BOB, speed_mps=1.0)
    assert differ(drawn(ANNA, BOB), drawn(ANNA, slower)) == set()  # the foot is about the watched one
    assert "foot left" in differ(drawn(ANNA, BOB, watched=1), drawn(ANNA, slower, watched=1))


def test_a_long_name_does_not_reach_the_time() -> None:
    long = replace(ANNA, look=CarLook("W" * 200, "Red"))
    assert differ(drawn(long), drawn(replace(long, time_s=99.0))) == {"head right"}


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0, "0.000"), (9.5334, "9.533"), (59.9999, "1:00.000"), (62.067, "1:02.067"), (-1.0, "0.000")],
)
def test_times(seconds: float, text: str) -> None:
    assert clock(seconds) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.5, "0.50"), (-0.001, "-0.00"), (123.45, "123.5"), (12345.6, "12346"), (-200.0, "-200.0")],
)
def test_rewards(value: float, text: str) -> None:
    assert number(value) == text


def test_a_black_car_has_a_mark_that_is_seen() -> None:
    assert sum(colour_of(CarLook("", "Black"))) > 200
    assert colour_of(CarLook("", "Orange")) == (255, 160, 10)


@pytest.fixture
def only_pillow(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As in the image of our services, which has no matplotlib."""
    caches = (lettering.font, lettering.writable, lettering.width_px, lettering.shortened, lettering._stamp)
    monkeypatch.setattr(lettering, "_folder", lambda: None)
    for each in caches:
        each.cache_clear()
    yield
    for each in caches:
        each.cache_clear()


def test_without_matplotlib_letters_lose_their_accents(only_pillow: None) -> None:
    assert lettering.writable("Jürgen  Ångström\n·") == "Jurgen Angstrom ?"
    assert lettering.font(20).getname()[0] == "Aileron"
    assert differ(drawn(ANNA), drawn(replace(ANNA, time_s=15.0))) == {"head right"}
