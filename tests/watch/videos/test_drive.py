"""Moments of drives: where cars and cameras are, and what is written."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from recorded_laps import STEP_S, TRACK, lap, lap_rows

from drcli.contract.episode import TraceRow
from drcli.contract.live_state import LiveBox
from drcli.sim.constants import NOSE_M
from drcli.watch.recordings.recorded_episode import episodes_in
from drcli.watch.recordings.trace_table import steps_of
from drcli.watch.scene import CarLook
from drcli.watch.videos.box_trail import BoxTrail
from drcli.watch.videos.drive import Drive, FilmedCar, Moment, moments, runs_of, trial_labels

RED = CarLook("Blitz", "Red")
CRATE = LiveBox(1.0, 0.0, 0.0, 0.4, 0.3, 0.25)


def film(*cars: FilmedCar, watched: int = 0) -> list[Moment]:
    return [*moments([Drive(cars)], watched)]


def rows_of(*places: tuple[float, str], step_s: float = STEP_S) -> list[TraceRow]:
    """Steps along x with these places and statuses."""
    first = next(iter(lap_rows()))
    return [
        first._replace(
            steps=float(n), X=x, Y=0.0, yaw=0.0, tstamp=n * step_s, episode_status=status, reward=1.0
        )
        for n, (x, status) in enumerate(places, start=1)
    ]


def car_of(rows: list[TraceRow]) -> FilmedCar:
    laps = tuple(episodes_in(steps_of(rows)))
    return FilmedCar(RED, laps, trial_labels(1, len(laps), len(laps)))


def test_there_are_fifteen_frames_a_second() -> None:
    one = lap(steps=60)
    frames = film(FilmedCar(RED, (one,), ("trial 1/1",)))
    assert len(frames) == 60 == round(one.time_s * 15)
    assert frames[-1].captions[0].time_s == pytest.approx(one.time_s)
    assert [frame.captions[0].is_finished for frame in frames[-2:]] == [False, True]


def test_the_car_is_where_its_nose_was_recorded() -> None:
    one = lap(steps=60)
    frames = film(FilmedCar(RED, (one,), ("",)))
    for row, frame in zip(one.rows, frames, strict=True):
        (car,) = frame.scene.cars
        nose = car.x_m + NOSE_M * math.cos(car.heading_rad), car.y_m + NOSE_M * math.sin(car.heading_rad)
        assert nose == pytest.approx((row["X"], row["Y"]), abs=1e-6)
        assert (car.color, car.name) == ("Red", "Blitz")


def test_steps_of_other_lengths_are_drawn_between() -> None:
    """As of the community's engine: 10 steps a second, 15 pictures."""
    frames = film(car_of(rows_of(*((0.1 * n, "in_progress") for n in range(31)), step_s=0.1)))
    x_m = [frame.scene.cars[0].x_m for frame in frames]
    # The first row's clock is at its end, and its start is taken as a usual step before.
    assert np.diff(x_m)[3:-3] == pytest.approx(0.1 / 1.5, abs=1e-6)


def test_a_car_that_is_put_back_does_not_fly_there() -> None:
    places = [(0.1 * n, "in_progress") for n in range(10)] + [(1.0, "off_track")]
    places += [(0.3, "pause")] * 5 + [(0.3 + 0.1 * n, "in_progress") for n in range(5)]
    frames = film(car_of(rows_of(*places, step_s=0.1)))
    x_m = np.array([frame.scene.cars[0].x_m for frame in frames])
    assert (
        (x_m < 0.3 - NOSE_M + 1e-9) | (np.abs(np.diff(x_m, prepend=x_m[0])) < 0.11) | (x_m == 0.3 - NOSE_M)
    ).all()
    captions = [frame.captions[0] for frame in frames]
    assert {caption.fault for caption in captions} == {"", "off track"}
    paused = [c for c in captions if c.fault]
    assert paused[-1].speed_mps == 0.0 and paused[-1].resets == captions[-1].resets == 1
    assert captions[0].resets == 0 and captions[-1].fault == ""


def test_rewards_are_summed_from_lap_to_lap() -> None:
    frames = film(FilmedCar(RED, (lap(steps=60),), ("",)))
    assert [frame.captions[0].total_reward for frame in frames[:3]] == [1.0, 3.0, 6.0]
    assert frames[-1].captions[0].progress == 100.0


def test_speed_is_measured() -> None:
    frames = film(FilmedCar(RED, (lap(steps=60),), ("",)))
    usual = TRACK.length_m / 59 / STEP_S
    assert frames[0].captions[0].speed_mps == 0.0  # the step of preparation
    assert np.median([frame.captions[0].speed_mps for frame in frames]) == pytest.approx(usual, rel=0.05)


def test_laps_of_a_race_that_goes_on_are_one_drive() -> None:
    first = [row._replace(episode_status="in_progress") for row in lap_rows(0, 40)]
    second = [row._replace(episode=1, steps=row.steps + 40) for row in lap_rows(1, 50, began_s=40 * STEP_S)]
    laps = tuple(episodes_in(steps_of([*first, *second])))
    assert [len(run) for run in runs_of(laps)] == [2]
    frames = film(FilmedCar(RED, laps, trial_labels(1, 2, 2)))
    captions = [frame.captions[0] for frame in frames]
    assert len(frames) == 90
    assert [captions[n].label for n in (0, 39, 40, 89)] == ["trial 1/2"] * 2 + ["trial 2/2"] * 2
    assert captions[39].time_s == pytest.approx(40 / 15) and captions[40].time_s == pytest.approx(1 / 15)
    assert captions[39].best_s is None and captions[40].best_s == pytest.approx(40 / 15)
    assert captions[40].total_reward == 1.0


def test_trials_that_start_anew_are_drives_of_their_own() -> None:
    laps = tuple(episodes_in(steps_of([*lap_rows(0, 40), *lap_rows(1, 50)])))
    assert [len(run) for run in runs_of(laps)] == [1, 1]


def test_of_two_cars_the_other_is_watched_once_one_has_finished() -> None:
    fast, slow = (FilmedCar(CarLook(name), (lap(steps=n),), ("",)) for name, n in (("a", 30), ("b", 45)))
    for watched in (0, 1):
        frames = film(fast, slow, watched=watched)
        assert len(frames) == 45
        assert [car.name for car in frames[10].scene.cars] == ["a", "b"]
        assert frames[10].scene.watched == frames[10].watched == watched
        assert [car.name for car in frames[40].scene.cars] == ["b"]
        assert (frames[40].scene.watched, frames[40].watched) == (0, 1)
        assert frames[40].captions[0].time_s == pytest.approx(2.0)  # what it has reached stays


def test_the_camera_behind_lags_in_bends() -> None:
    frames = film(FilmedCar(RED, (lap(steps=60),), ("",)))
    lags = [math.remainder(f.scene.cars[0].heading_rad - f.follow_rad, math.tau) for f in frames]
    assert max(map(abs, lags)) > 0.05
    assert np.abs(np.diff([f.follow_rad for f in frames])).max() < 0.4


def test_objects_move_between_the_steps() -> None:
    trail = BoxTrail()
    assert trail.at(3.0) == ()
    trail.add(1.0, (CRATE,))
    trail.add(2.0, (replace(CRATE, x_m=2.0, heading_rad=1.0),))
    assert [trail.at(at)[0].x_m for at in (0.0, 1.0, 1.5, 2.0, 9.0)] == [1.0, 1.0, 1.5, 2.0, 2.0]
    assert trail.at(1.5)[0].heading_rad == 0.5


def test_objects_that_stand_are_noted_once() -> None:
    trail = BoxTrail()
    for second in range(100):
        trail.add(float(second), (CRATE,))
    trail.add(100.0, (replace(CRATE, x_m=2.0),))
    assert len(trail._boxes) == 3
    assert [trail.at(at)[0].x_m for at in (50.0, 99.0, 99.5, 100.0)] == [1.0, 1.0, 1.5, 2.0]
