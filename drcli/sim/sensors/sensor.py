"""The protocol of sensors, and its inputs and outputs. Imports no numba.

Models have the members of `drcli.tables.SENSORS`; those of `PRIVILEGED_SENSORS` show what only a simulator knows.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from drcli.config.model_metadata import LidarConfig
from drcli.sim.boxes import Boxes
from drcli.sim.car_arrays import Bools, Ints
from drcli.sim.sensors.picture_styles import PictureStyles
from drcli.sim.telemetry import Telemetry
from drcli.sim.track import Track
from drcli.tables import PRIVILEGED_SENSORS, SENSORS

if TYPE_CHECKING:
    from drcli.sim.car_dynamics import CarState

Observations = dict[str, npt.NDArray[Any]]  # by sensor name: [K, *shape]


class SensorSpec(NamedTuple):
    """The output of a sensor for one car; lidar: how it is configured, if it can be."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    lidar: LidarConfig | None = None


class Scene(NamedTuple):
    """What there is to see for K cars."""

    cars: CarState
    at: Telemetry
    boxes: Boxes | None  # what the race has put on the road
    is_reversed: Bools  # [K] driven against the track's order
    seen: Bools  # [K] whose sensors are read; the others' values stay unchanged
    steps: Ints  # [K] number of the step in each car's episode: 1 when the driver sees it for the first time
    noise_seed: Ints  # [K] for what sensors draw, by the world's seed and the episode's number
    styles: PictureStyles | None = None  # how cameras see, if pictures are randomised


class Sensor(Protocol):
    """One sensor of K cars on one track."""

    def fill(self, scene: Scene, out: npt.NDArray[Any]) -> None:
        """Write what the cars see: `out` is `[K, *shape]` of `dtype`, and has the values of the last call.

        A sensor may leave a car's value as it is if it has measured nothing since.
        """
        ...


class SensorType(Protocol):
    """A kind of sensor: a member of the tables is one, most simply a class that is a `Sensor` and has all of this.

    It must be available without a world and without numba: import kernels when a sensor is created, not at the top.
    """

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the values of one car."""
        ...

    @property
    def dtype(self) -> npt.DTypeLike:
        """Bytes are pictures, from 0 to 255."""
        ...

    def __call__(self, track: Track) -> Sensor:
        """Create the sensor of a world on a track."""
        ...

    def mirrored(self, seen: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """What would be seen, `[N, *shape]`, if left and right were exchanged."""
        ...


@runtime_checkable
class Configurable(Protocol):
    """A member of the tables that `lidar_config` in model_metadata.json configures."""

    def configured(self, lidar: LidarConfig) -> SensorType:
        """The sensor type with this configuration."""
        ...


def sensor_spec(name: str, lidar: LidarConfig | None = None) -> SensorSpec:
    """The output of the sensor `name`. Raises UsageError if there is none with that name.

    lidar: the configuration of sensors that have one; None: the default.
    """
    member = _member(name)
    if isinstance(member, Configurable):
        lidar = lidar or LidarConfig.model_validate({})
        kind: SensorType = member.configured(lidar)
        return SensorSpec(name, tuple(kind.shape), np.dtype(kind.dtype), lidar)
    return SensorSpec(name, tuple(member.shape), np.dtype(member.dtype))


def sensor_specs(sensors: Iterable[str | SensorSpec]) -> tuple[SensorSpec, ...]:
    """Sensors by name, with their default configuration, and specs of others as they are."""
    return tuple(sensor_spec(each) if isinstance(each, str) else each for each in sensors)


def sensor_type(spec: SensorSpec) -> SensorType:
    """The sensor type with that output. Raises UsageError if there is none with that name."""
    member = _member(spec.name)
    kind: SensorType = member.configured(spec.lidar) if spec.lidar is not None else member
    return kind


def _member(name: str) -> Any:
    return (PRIVILEGED_SENSORS if name in PRIVILEGED_SENSORS else SENSORS).load(name)
