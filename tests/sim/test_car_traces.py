"""The cars against recorded jobs of 2020, 2022 and 2026: how far they are off, on episodes they were not fitted to."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[2]))

from benchmarks.car_fit import JOBS, PLAIN, SECOND, Windows, read_job
from drcli.tables import CARS

TRACES = Path(__file__).resolve().parents[3] / "shared" / "traces"
pytestmark = [
    pytest.mark.shared,
    pytest.mark.slow,
    pytest.mark.skipif(not TRACES.is_dir(), reason="no recorded jobs (../shared/traces) here"),
]


@pytest.mark.parametrize(
    ("name", "step_cm", "median_cm", "p95_cm", "yaw_deg"),
    [
        ("simapp-3", 0.7, 6.0, 14.0, 4.5),
        ("simapp-4", 1.2, 12.5, 34.0, 7.5),
        ("simapp-5", 1.4, 19.0, 55.0, 8.0),
    ],
)
def test_a_car_stays_near_the_recorded_one(
    name: str, step_cm: float, median_cm: float, p95_cm: float, yaw_deg: float
) -> None:
    held_out = Windows(read_job(TRACES, JOBS[name])[1::2])
    assert len(held_out.row) > 3000
    step, second = held_out.errors(CARS.load(name), (1, SECOND))
    plain = held_out.errors(PLAIN, (SECOND,))[0]
    assert np.median(step[:, 0]) * 100.0 < step_cm
    assert np.median(second[:, 0]) * 100.0 < median_cm < 0.3 * np.median(plain[:, 0]) * 100.0
    assert np.percentile(second[:, 0], 95) * 100.0 < p95_cm
    assert np.degrees(np.median(second[:, 1])) < yaw_deg


def test_each_generation_is_nearest_to_its_own_job() -> None:
    """The reason why there are several: the car of another generation is further off."""
    for name, job in JOBS.items():
        held_out = Windows(read_job(TRACES, job)[1::2])
        errors = {other: np.median(held_out.errors(CARS.load(other), (SECOND,))[0][:, 0]) for other in JOBS}
        assert min(errors, key=lambda other: errors[other]) == name
