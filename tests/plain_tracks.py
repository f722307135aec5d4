"""Tracks simple enough to compute by hand."""

from __future__ import annotations

import numpy as np
import pytest

from drcli.sim.track import Track


@pytest.fixture(scope="session")
def block() -> Track:
    """Once round a block, counterclockwise: 6 m by 4 m, 1 m wide, a waypoint every metre, start in a corner."""
    sides = [(x, 0) for x in range(6)] + [(6, y) for y in range(4)]
    sides += [(6 - x, 4 - y) for x, y in sides]
    center = np.array([*sides, (0, 0)], dtype=float)
    inner = np.clip(center, (0.5, 0.5), (5.5, 3.5))
    outer = center + (center == (6, 4)) * 0.5 - (center == (0, 0)) * 0.5
    return Track("block", center, inner, outer)


@pytest.fixture(scope="session")
def ring() -> Track:
    """A circle of 2 m radius, 0.8 m wide, counterclockwise from (2, 0)."""
    angle = np.linspace(0.0, 2.0 * np.pi, 121)
    unit = np.column_stack([np.cos(angle), np.sin(angle)])
    unit[-1] = unit[0]
    return Track("ring", 2.0 * unit, 1.6 * unit, 2.4 * unit)
