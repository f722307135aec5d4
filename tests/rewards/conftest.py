"""A track simple enough to drive in a second."""

from __future__ import annotations

import numpy as np
import pytest

from drcli.sim.track import Track


@pytest.fixture(scope="session")
def ring() -> Track:
    """A circle of 2 m radius, 0.8 m wide, counterclockwise from (2, 0)."""
    angle = np.linspace(0.0, 2.0 * np.pi, 121)
    unit = np.column_stack([np.cos(angle), np.sin(angle)])
    unit[-1] = unit[0]
    return Track("ring", 2.0 * unit, 1.6 * unit, 2.4 * unit)
