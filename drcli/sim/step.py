"""One step of K cars, as rewards and records are made of it. Data, and no numba."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from drcli.sim.telemetry import Ints, Telemetry
from drcli.sim.track import Array

Label = int | str  # what a trace calls an action: its index, or "[steering speed]"


class Step(NamedTuple):
    """A step of all cars. Those that are parked are in it, too, but nothing about them means anything."""

    at: Telemetry  # before the action moved the cars
    actions: Array  # [K, 2] what was asked for, unclipped: steering in degrees, + is left, and speed in m/s
    labels: Sequence[Label] | None  # None: as "[steering speed]"
    numbers: Ints  # [K] of the step in each car's episode: the prepare step is number 1
    time_s: Array  # [K] each car's simulated clock at the end of the step
