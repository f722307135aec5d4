"""The optimal lap, on a tiny track: valid in the simulator, fast, and not below the bound."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import numpy as np
import pytest
from racing import TINY_TRACK

sys.path.append(str(Path(__file__).parents[1]))

from benchmarks.lap_car import SIZE, Task, roll, room_m, step
from benchmarks.lap_optimizer import Drive, _effects, _slopes, driven, optimise
from benchmarks.optimal_lap import confirmed_s, find_optimal_laps, optimum_s
from benchmarks.racing_line import pursue
from benchmarks.shortest_line import bound_s, clock_s, shortest_m
from drcli.sim.constants import WHEELS_M
from drcli.sim.geometry import on_road
from drcli.sim.racing_line import every_point, smooth_line, speeds_on, stations
from drcli.sim.track_file import read_track

SAFE_MPS, MAX_MPS = 1.0, 2.0


@pytest.fixture(scope="module")
def task(tmp_path_factory: pytest.TempPathFactory) -> Task:
    path = tmp_path_factory.mktemp("tracks") / "tiny.yaml"
    path.write_text(TINY_TRACK)
    return Task(read_track(path), MAX_MPS)


@pytest.fixture(scope="module")
def pursuit(task: Task) -> Drive:
    line = smooth_line(task.track, 0.1)
    actions = pursue(task, line, speeds_on(line, MAX_MPS, 4.0), (0.25, 0.2))
    assert actions is not None
    drive = driven(task, task.at_rest, actions, False)
    assert drive is not None
    return drive


def test_the_lap_is_valid_fast_and_not_below_the_bound(task: Task, pursuit: Drive) -> None:
    center = every_point(stations(task.track)[:, :2])
    safely = pursue(task, center, np.full(len(center), SAFE_MPS), (0.25, 0.2))
    assert safely is not None
    lap = optimise(task, pursuit, rounds=2, cycles=1)
    lap_s, to_the_line_s = confirmed_s(task.track, lap.actions)
    assert lap_s == pytest.approx(clock_s(len(lap.actions)))
    assert to_the_line_s == pytest.approx((lap.steps + 1) / 15)  # and the prepare step
    assert bound_s(task, False) <= lap_s < clock_s(len(pursuit.actions)) < confirmed_s(task.track, safely)[0]
    assert np.abs(lap.actions[:, 0]).max() <= 30.0
    assert lap.actions[:, 1].max() <= MAX_MPS


def test_a_lap_that_leaves_the_road_is_not_confirmed(task: Task) -> None:
    with pytest.raises(RuntimeError, match="not a valid lap"):
        confirmed_s(task.track, np.array([[0.0, MAX_MPS]] * 60))


def test_room_ends_where_the_last_wheel_leaves_the_road(task: Task) -> None:
    rng = np.random.default_rng(1)
    states = np.zeros((300, SIZE))
    states[:, :2] = task.track.center[rng.integers(0, len(task.track.center), 300)]
    states[:, :2] += rng.uniform(-0.6, 0.6, (300, 2))
    states[:, 2] = rng.uniform(-math.pi, math.pi, 300)
    wheels_on_road = [
        sum(
            on_road(task.road, x + a * math.cos(h) - b * math.sin(h), y + a * math.sin(h) + b * math.cos(h))
            for a, b in WHEELS_M
        )
        for x, y, h in states[:, :3]
    ]
    room, slope = room_m(task, states)
    assert ((room > 0.0) == (np.array(wheels_on_road) > 0)).all()
    moved = rng.uniform(-1e-5, 1e-5, (300, 3))
    after, _ = room_m(task, states + np.pad(moved, ((0, 0), (0, SIZE - 3))))
    is_as_predicted = np.abs(after - room - (slope * moved).sum(axis=1)) < 1e-7
    assert is_as_predicted.mean() > 0.98  # but for kinks, where the nearest wheel or border changes


def test_the_linear_model_foretells_a_drive(task: Task, pursuit: Drive) -> None:
    change = np.random.default_rng(2).uniform(-0.01, 0.01, pursuit.actions.size)
    actions = np.clip(pursuit.actions + change.reshape(-1, 2), task.lowest, task.highest)
    foretold = _effects(*_slopes(task, pursuit, 0.01)) @ (actions - pursuit.actions).ravel()
    np.testing.assert_allclose(roll(task.at_rest, actions) - pursuit.states, foretold, atol=2e-3)


def test_a_step_leaves_its_states_alone() -> None:
    states = np.ones((1, SIZE))
    step(states, np.array([[10.0, 2.0]]))
    assert (states == 1.0).all()


def test_the_shortest_line_keeps_to_the_inside(task: Task) -> None:
    radius_m = 0.8 - 0.3 - math.hypot(*WHEELS_M[0]) - 1.01 * MAX_MPS / 30
    inside_m = 4.0 + 2.0 * math.pi * radius_m
    assert shortest_m(task, True) == pytest.approx(inside_m - 0.28, rel=0.03)
    assert shortest_m(task, True) < shortest_m(task, False) < task.track.length_m


@pytest.mark.slow
def test_a_flying_lap_is_faster(task: Task) -> None:
    (lap,) = find_optimal_laps(task.track, [MAX_MPS], rounds=2)
    assert lap.standing_bound_s <= lap.standing_s
    assert lap.flying_bound_s < lap.flying_s < lap.standing_s


def test_laps_on_our_tracks_are_stored() -> None:
    best_s = optimum_s("drcli_harbour", 3.0)
    assert best_s is not None
    assert 5.0 < best_s < 6.0
    assert optimum_s("drcli_harbour", 3.01) is None
    assert optimum_s("no_track", 3.0) is None
