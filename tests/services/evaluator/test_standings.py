from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from drcli.contract.episode import Episode, Lap
from drcli.services.evaluator.standings import standings, verdict


def contestant(prefix: str) -> Any:
    """What of one the results name; its network is of no interest."""
    return SimpleNamespace(params=SimpleNamespace(model_prefix=prefix), checkpoint="3_Step-96.ckpt")


def episode(*laps: tuple[int, float]) -> Episode:
    """Laps of (progress %, seconds), the first of them with a crash."""
    found, at = Episode(0, 0, 0.0, 0.0), 0.0
    for number, (progress, seconds) in enumerate(laps):
        found.laps.append(Lap(at, progress, at + seconds, crash_count=int(number == 0)))
        at += seconds
    return found


@pytest.mark.parametrize(
    ("first", "second", "places", "said"),
    [
        ([(100, 9.0), (100, 8.0)], [(100, 10.0), (100, 8.5)], (1, 2), "one wins by 1.50 s."),
        ([(100, 9.0), (100, 9.0)], [(100, 10.0), (100, 8.0)], (1, 1), "Nobody wins: 2 laps in 18.00 s each."),
        (
            [(100, 5.0), (40, 2.0)],
            [(100, 30.0), (100, 30.0)],
            (2, 1),
            "two wins with 2 laps, one completed 1.",
        ),
        ([(30, 5.0)], [(31, 30.0)], (2, 1), "two wins with 0 laps, one completed 0."),
        ([(30, 5.0)], [(30, 4.0)], (2, 1), "two wins by 1.00 s."),
    ],
)
def test_more_of_the_laps_then_fewer_seconds(
    first: list[tuple[int, float]], second: list[tuple[int, float]], places: tuple[int, int], said: str
) -> None:
    pair = [contestant("one"), contestant("two")]
    found = standings(pair, [[episode(*first)], [episode(*second)]], 2)
    assert (found[0].place, found[1].place) == places
    assert verdict(found) == said


def test_figures_of_a_model() -> None:
    pair = [contestant("one"), contestant("two")]
    driven = [[episode((100, 9.0)), episode((100, 8.0)), episode((10, 1.0))], [episode((50, 3.0))]]
    one, two = standings(pair, driven, 2)
    assert (one.laps, one.progress, one.time_s, one.best_lap_s, one.crashes, one.resets) == (
        2,
        200,
        17.0,
        8.0,
        2,
        2,
    )
    assert (two.laps, two.best_lap_s, two.checkpoint) == (0, None, "3_Step-96.ckpt")
    assert one.to_dict()["model"] == "one"
