"""In a race with objects a function is called with those: on driven states, on laps around them, all over the track."""

from __future__ import annotations

import numpy as np
import pytest

from drcli.config.race_settings import RaceSettings
from drcli.rewards.car_states import driven_calls
from drcli.rewards.drives import Drive, drive_courses
from drcli.rewards.reference_courses import is_daring, lapse_of, reference_courses
from drcli.rewards.reward_check import check_reward
from drcli.rewards.reward_field import Manner, reward_field
from drcli.sim.reward import RewardFunction
from drcli.sim.track import Track

BOXES = RaceSettings(
    race_type="OBJECT_AVOIDANCE", change_start_position=False, own={"NUMBER_OF_OBSTACLES": "3"}
)
BOTS = RaceSettings(race_type="HEAD_TO_BOT", change_start_position=False, own={"NUMBER_OF_BOT_CARS": "3"})
BACKWARDS = RaceSettings(
    race_type="OBJECT_AVOIDANCE", change_start_position=False, own=BOXES.own, reverse_dir=True
)
races = pytest.mark.parametrize("race", [BOXES, BOTS, BACKWARDS], ids=["boxes", "bots", "reversed"])
SOURCE = """
def reward_function(params):
    behind, ahead = params["closest_objects"]
    gap = params["objects_distance"][ahead] - params["objects_distance"][behind]
    return -7.0 if params["is_crashed"] else params["objects_speed"][ahead] + min(abs(gap), 1.0)
"""


def reward() -> RewardFunction:
    return RewardFunction(SOURCE, "reward.py")


def drives_of(track: Track, race: RaceSettings) -> list[Drive]:
    courses = reference_courses(track, 1.5, race)
    return drive_courses(track, courses, reward(), [*filter(is_daring, courses)], race, lapse_of)


@pytest.mark.slow
@races
def test_laps_pass_objects_and_some_drives_crash(ring: Track, race: RaceSettings) -> None:
    drives = {drive.name.partition(",")[0]: drive for drive in drives_of(ring, race)}
    for name, drive in drives.items():
        if name.startswith("crashes"):
            assert drive.status == "crashed" and drive.rewards[-1] == -7.0, name
        elif name.startswith("leaves"):
            assert drive.status == "off_track", name
        else:
            assert drive.is_lap, (name, drive.status, drive.distance_pct)
    early, half_way = (
        drives[f"crashes into an object {when}"].distance_pct for when in ("early", "half way")
    )
    assert early < 50.0 < half_way


@pytest.mark.parametrize(
    "race",
    [BOXES, pytest.param(BOTS, marks=pytest.mark.slow), pytest.param(BACKWARDS, marks=pytest.mark.slow)],
)
def test_every_state_of_a_check_is_one_of_the_race(ring: Track, race: RaceSettings) -> None:
    report = check_reward(SOURCE, "reward.py", driven_calls(ring, 1.0, None, race))
    assert not report.errors and len(report.values) == 9
    assert report.values["crashed into it"] == -7.0 != report.values["next to an object"]


@races
def test_objects_are_where_a_car_would_crash_in_the_picture(ring: Track, race: RaceSettings) -> None:
    rewards = reward_field(ring, reward(), Manner(1.0), race).rewards
    crashed = rewards == -7.0
    assert 0.02 < crashed.mean() < 0.3
    edges = np.diff(np.r_[crashed.any(axis=0)[-1], crashed.any(axis=0)].astype(int))
    assert (edges == 1).sum() == 3, "one place for each"
