"""The reward function of the template: what it pays for."""

from __future__ import annotations

import math
import runpy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from drcli.paths import defaults_dir

Reward = Callable[[dict[str, Any]], float]


@pytest.fixture(scope="module")
def reward() -> Reward:
    found: Reward = runpy.run_path(str(defaults_dir() / "custom_files" / "reward_function.py"))[
        "reward_function"
    ]
    return found


def state(**changes: Any) -> dict[str, Any]:
    """On the centre line of a straight, heading along it."""
    return {
        "is_offtrack": False,
        "is_crashed": False,
        "track_width": 0.6,
        "distance_from_center": 0.0,
        "waypoints": [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 0.0)],
        "closest_waypoints": [0, 1],
        "heading": 0.0,
        "speed": 1.0,
        **changes,
    }


def test_best_on_the_centre_line_along_the_track(reward: Reward) -> None:
    assert reward(state()) == 1.0
    assert type(reward(state(speed=2))) is float
    assert reward(state(speed=2)) == 2.0


def test_less_towards_the_edge_and_nothing_beyond(reward: Reward) -> None:
    rewards = [reward(state(distance_from_center=d)) for d in (0.0, 0.1, 0.2, 0.3, 0.5)]
    assert rewards == sorted(rewards, reverse=True)
    assert rewards[3:] == [0.0, 0.0]


@pytest.mark.parametrize("turn", [1.0, -1.0])
def test_less_with_the_nose_turned_away(reward: Reward, turn: float) -> None:
    assert reward(state(heading=turn * 60)) == pytest.approx(0.5)
    assert reward(state(heading=turn * 180)) == 0.0
    assert reward(state(heading=90 + turn * 360, closest_waypoints=[1, 2])) == pytest.approx(1.0)


def test_direction_of_the_closing_segment(reward: Reward) -> None:
    assert reward(state(heading=math.degrees(math.atan2(-1, -1)), closest_waypoints=[2, 3])) == pytest.approx(
        1.0
    )


def test_leaving_the_track_or_crashing_costs(reward: Reward) -> None:
    assert reward(state(is_offtrack=True)) == reward(state(is_crashed=True)) == -1.0


def test_waypoints_may_be_an_array(reward: Reward) -> None:
    """As the validator of DeepRacer on AWS hands them over."""
    assert reward(state(waypoints=np.array(state()["waypoints"]))) == 1.0
