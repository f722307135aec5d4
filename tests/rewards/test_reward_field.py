"""What is drawn: rewards of cars all over the road, that stand and act as asked."""

from __future__ import annotations

import numpy as np
import pytest

from drcli.rewards.reward_field import LINES, Manner, reward_field
from drcli.sim.reward import RewardFunction
from drcli.sim.track import Track


def field_of(track: Track, expression: str, manner: Manner = Manner(2.0)) -> tuple[np.ndarray, np.ndarray]:  # noqa: B008
    return reward_field(
        track, RewardFunction(f"def reward_function(params):\n    return {expression}", "r.py"), manner
    )


def test_places_are_the_noses_of_cars_side_by_side(ring: Track) -> None:
    places, x = field_of(ring, "params['x']")
    assert x == pytest.approx(places[..., 0], abs=1e-9)
    radii = np.hypot(*np.moveaxis(places, 2, 0))
    assert radii[LINES // 2] == pytest.approx(2.0, abs=0.01), "the middle one is on the centre line"
    assert radii[0].mean() == pytest.approx(2.44, abs=0.01) and radii[-1].mean() == pytest.approx(
        1.56, abs=0.01
    )
    _, gap = field_of(ring, "params['distance_from_center']")
    assert gap == pytest.approx(np.abs(radii - 2.0), abs=0.01)


def test_they_drive_once_round_at_that_speed(ring: Track) -> None:
    _, progress = field_of(ring, "params['progress']")
    assert progress[:, 0] == pytest.approx(0.5, abs=0.5) and progress[:, -1] == pytest.approx(99.5, abs=0.5)
    assert (np.diff(progress, axis=1) > 0).all()
    _, steps = field_of(ring, "params['steps']")
    assert steps[3].tolist() == list(range(2, 2 + steps.shape[1]))
    assert steps.shape[1] == pytest.approx(ring.length_m / 2.0 * 15, abs=1), (
        "a step is as long as at that speed"
    )


def test_cars_are_aligned_with_the_road_or_turned(ring: Track) -> None:
    place = "__import__('math').degrees(__import__('math').atan2(params['y'], params['x']))"
    aligned = f"abs((params['heading'] - 90 - {place} + 180) % 360 - 180)"
    assert field_of(ring, aligned)[1].max() < 3.0
    turned = field_of(ring, aligned, Manner(2.0, heading_error_deg=20.0))[1]
    assert turned == pytest.approx(20.0, abs=3.0)
    both = field_of(ring, "params['speed'] + params['steering_angle']", Manner(1.5, steering_deg=-10.0))[1]
    assert (both == -8.5).all()


def test_each_line_remembers_its_own_drive(ring: Track) -> None:
    source = (
        "seen = []\ndef reward_function(params):\n    seen.append(1)\n    return len(seen) - params['steps']"
    )
    rewards = reward_field(ring, RewardFunction(source, "r.py"), Manner(2.0)).rewards
    assert (rewards == -1.0).all()
