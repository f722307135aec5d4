"""One step of K cars, as rewards and records are made of it. Data, and no numba."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from drcli.sim.car_arrays import Array, Ints
from drcli.sim.telemetry import Telemetry

Label = int | str  # what a trace calls an action: its index, or "[steering speed]"


class Step:
    """A step of those among K cars that take part; of the others nothing means anything.

    Its lists hold Python's own numbers, by car, as what comes next goes car by car.

    Args:
        cars: who takes part, ascending.
        at: what was measured before the action moved the cars.
        actions: `[K, 2]` what was asked for, unclipped: steering in degrees, + is left, and speed in m/s.
        labels: what the trace calls the actions; None: as "[steering speed]".
        numbers: `[K]` of the step in each car's episode: the prepare step is number 1.
        time_s: `[K]` each car's simulated clock at the end of the step.
    """

    __slots__ = ("actions", "at", "cars", "labels", "numbers", "rows", "time_s")

    def __init__(
        self,
        cars: list[int],
        at: Telemetry,
        actions: Array,
        labels: Sequence[Label] | None,
        numbers: Ints,
        time_s: Array,
    ) -> None:
        self.cars = cars
        self.at = at
        self.rows: list[tuple[Any, ...]] = at.block.tolist()  # the fields of `Telemetry`, car by car
        self.actions: list[list[float]] = actions.tolist()
        self.labels = labels
        self.numbers: list[int] = numbers.tolist()
        self.time_s: list[float] = time_s.tolist()
