"""One step of K cars, from which rewards and records are computed. Only data, no numba."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from drcli.sim.car_arrays import Array, Ints
from drcli.sim.telemetry import Telemetry

Label = int | str  # what a trace calls an action: its index, or "[steering speed]"


class Step:
    """A step of some of K cars; the values of the others are meaningless.

    It is valid until the cars are measured again. Its lists hold Python numbers, because rewards and records are
    computed car by car.

    Args:
        cars: indexes of the cars that take part, ascending.
        at: measured before the action moved the cars.
        actions: `[K, 2]` as requested, unclipped: steering in degrees, + is left, and speed in m/s.
        labels: the names of the actions in the trace; None: "[steering speed]".
        numbers: `[K]` of the step in each car's episode: the prepare step is number 1.
        time_s: `[K]` each car's simulated clock at the end of the step.
        began_s: `[K]` the same when it began.
    """

    __slots__ = ("actions", "at", "began_s", "cars", "labels", "numbers", "rows", "time_s")

    def __init__(
        self,
        cars: list[int],
        at: Telemetry,
        actions: Array,
        labels: Sequence[Label] | None,
        numbers: Ints,
        time_s: Array,
        began_s: Array,
    ) -> None:
        self.cars = cars
        self.at = at
        self.rows: list[tuple[Any, ...]] = at.block.tolist()  # the fields of `Telemetry`, car by car
        self.actions: list[list[float]] = actions.tolist()
        self.labels = labels
        self.numbers: list[int] = numbers.tolist()
        self.time_s: list[float] = time_s.tolist()
        self.began_s: list[float] = began_s.tolist()
