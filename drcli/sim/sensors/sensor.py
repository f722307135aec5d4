"""The protocol of sensors, and its inputs and outputs. Imports no numba.

Models have the members of `drcli.tables.SENSORS`; those of `PRIVILEGED_SENSORS` show what only a simulator knows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from drcli.sim.boxes import Boxes
from drcli.sim.car_arrays import Bools
from drcli.sim.sensors.picture_styles import PictureStyles
from drcli.sim.telemetry import Telemetry
from drcli.sim.track import Track
from drcli.tables import PRIVILEGED_SENSORS, SENSORS

if TYPE_CHECKING:
    from drcli.sim.car_dynamics import CarState

Observations = dict[str, npt.NDArray[Any]]  # by sensor name: [K, *shape]


class SensorSpec(NamedTuple):
    """The output of a sensor for one car."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]


class Scene(NamedTuple):
    """What there is to see for K cars."""

    cars: CarState
    at: Telemetry
    boxes: Boxes | None  # what the race has put on the road
    is_reversed: Bools  # [K] driven against the track's order
    seen: Bools  # [K] whose sensors are read; the others' values stay unchanged
    styles: PictureStyles | None = None  # how cameras see, if pictures are randomised


class Sensor(Protocol):
    """One sensor of K cars on one track.

    A spec must be available without a world and without numba: import kernels when a sensor is created, not at the top.
    """

    shape: ClassVar[tuple[int, ...]]  # of one car
    dtype: ClassVar[npt.DTypeLike]

    def __init__(self, track: Track) -> None: ...

    def fill(self, scene: Scene, out: npt.NDArray[Any]) -> None:
        """Write what the cars see: `out` is `[K, *shape]` of `dtype`."""
        ...

    @staticmethod
    def mirrored(seen: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """What would be seen, `[N, *shape]`, if left and right were exchanged."""
        ...


def sensor_class(name: str) -> type[Sensor]:
    """The sensor `name`, of either table. Raises UsageError if there is none with that name."""
    table = PRIVILEGED_SENSORS if name in PRIVILEGED_SENSORS else SENSORS
    found: type[Sensor] = table.load(name)
    return found


def sensor_spec(name: str) -> SensorSpec:
    """The output of the sensor `name`. Raises UsageError if there is none with that name."""
    member = sensor_class(name)
    return SensorSpec(name, tuple(member.shape), np.dtype(member.dtype))
