"""How many trainings run at a time."""

from __future__ import annotations

import pytest

from drcli.launch.launcher import Capacity
from drcli.sweep.estimate import fitting

GB = 1 << 30


@pytest.mark.parametrize(
    ("cores", "gb", "workers", "ours", "gazebo"),
    [
        (2, 16, 1, 2, 1),
        (8, 64, 1, 8, 4),
        (8, 64, 3, 2, 2),
        (8, 6, 1, 3, 3),  # memory decides
        (1, 1, 4, 1, 1),  # always one
        (512, 4096, 1, 50, 50),
    ],
)
def test_cores_and_memory_decide(cores: int, gb: int, workers: int, ours: int, gazebo: int) -> None:
    capacity = Capacity(cores, gb * GB, "this machine")
    assert fitting(capacity, workers, takes_turns=True) == ours
    assert fitting(capacity, workers, takes_turns=False) == gazebo
