from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from drcli.store.evaluation_comparison import compare, latest
from drcli.store.evaluation_list import EvaluationInfo

NOON = datetime(2026, 1, 2, 12)
FIRST = EvaluationInfo(
    "careful",
    NOON,
    "oval",
    "TIME_TRIAL",
    "3_Step-96.ckpt",
    5,
    5,
    100.0,
    12.0,
    12.5,
    1,
    1,
    0,
    "careful/metrics.json",
)
SECOND = replace(FIRST, model="brave", complete=4, completion=92.0, best_lap_s=9.0, mean_lap_s=9.5, resets=6)


def test_the_best_of_each_figure() -> None:
    found = compare([FIRST, SECOND])
    assert found.best == {
        "complete": ("careful",),
        "completion": ("careful",),
        "best_lap_s": ("brave",),
        "mean_lap_s": ("brave",),
        "resets": ("careful",),
        "off_track": (),  # the same
        "crashes": (),
    }
    assert found.differences == ()


def test_one_alone_is_not_the_best_of_anything() -> None:
    assert not any(compare([FIRST]).best.values())


def test_two_of_three_can_be_the_best() -> None:
    third = replace(SECOND, model="third", best_lap_s=None, mean_lap_s=None, complete=0)
    best = compare([FIRST, SECOND, third]).best
    assert (best["best_lap_s"], best["off_track"], best["resets"]) == (("brave",), (), ("careful",))
    assert compare([FIRST, replace(FIRST, model="same"), SECOND]).best["complete"] == ("careful", "same")


def test_what_depends_on_track_or_laps_is_not_compared_if_those_differ() -> None:
    found = compare([FIRST, replace(SECOND, world_name="grand", trials=3)])
    assert found.best == {"completion": ("careful",)}
    assert "resets" in compare([FIRST, replace(SECOND, world_name="grand")]).best
    assert found.differences == (
        "They drove on different tracks, so lap times are not compared: grand, oval.",
        "They drove different numbers of laps, so sums are not compared: 3, 5.",
    )
    races = compare([FIRST, replace(SECOND, race_type="HEAD_TO_MODEL")])
    assert races.differences == (
        "They drove different races, so traffic may have cost time: HEAD_TO_MODEL, TIME_TRIAL.",
    )
    unknown = compare([replace(FIRST, world_name=None), replace(SECOND, world_name=None)])
    assert "best_lap_s" not in unknown.best


def test_the_last_one_of_each_model() -> None:
    later = replace(FIRST, started=NOON + timedelta(hours=1), world_name="grand", checkpoint="9_Step-99.ckpt")
    every = [later, SECOND, FIRST]
    assert latest(every, ()).evaluations == (SECOND, later)
    assert latest(every, ["careful", "brave", "careful"]).evaluations == (later, SECOND)
    assert latest(every, (), "oval").evaluations == (SECOND, FIRST)
    assert latest(every, ["nobody"]).evaluations == ()
