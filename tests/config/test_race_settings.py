"""Where episodes start and which way they are driven."""

from __future__ import annotations

import pytest

from drcli.config.race_settings import RaceSettings


def test_round_robin_advances_from_the_offset() -> None:
    settings = RaceSettings(start_position_offset=0.9, round_robin_advance_dist=0.05)
    assert [settings.start_ndist(n) for n in (0, 1, 2, 3)] == pytest.approx([0.9, 0.95, 0.0, 0.05])
    fixed = RaceSettings(start_position_offset=0.2, change_start_position=False)
    assert {fixed.start_ndist(n) for n in range(9)} == {0.2}


def test_directions_alternate_from_the_first_one() -> None:
    assert not any(RaceSettings().is_reversed(n) for n in range(4))
    assert all(RaceSettings(reverse_dir=True).is_reversed(n) for n in range(4))
    both = RaceSettings(alternate_driving_direction=True)
    assert [both.is_reversed(n) for n in range(4)] == [False, True, False, True]
    other = RaceSettings(alternate_driving_direction=True, reverse_dir=True)
    assert [other.is_reversed(n) for n in range(4)] == [True, False, True, False]
