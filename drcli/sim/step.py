"""One step of K cars, from which rewards and records are computed. Only data, no numba."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from drcli.sim.car_arrays import Array, Ints
from drcli.sim.telemetry import Telemetry

Label = int | str  # what a trace calls an action: its index, or "[steering speed]"


@dataclass(eq=False)
class Step:
    """A step of all cars. It includes parked cars, whose values are meaningless.

    It is valid until the cars are measured again. `…_rows` are the same values as Python objects.
    """

    at: Telemetry  # before the action moved the cars
    actions: Array  # [K, 2] as requested, unclipped: steering in degrees, + is left, and speed in m/s
    labels: Sequence[Label] | None  # None: as "[steering speed]"
    numbers: Ints  # [K] of the step in each car's episode: the prepare step is number 1
    time_s: Array  # [K] each car's simulated clock at the end of the step

    @cached_property
    def at_rows(self) -> list[tuple[Any, ...]]:
        """A tuple for each car, with the fields of `Telemetry` in their order."""
        return list(self.at.block.tolist())

    @cached_property
    def action_rows(self) -> list[list[float]]:
        """Steering and speed of each car."""
        return list(self.actions.tolist())

    @cached_property
    def number_rows(self) -> list[int]:
        """The number of each car's step."""
        return list(self.numbers.tolist())

    @cached_property
    def time_rows(self) -> list[float]:
        """Each car's clock."""
        return list(self.time_s.tolist())
