"""The car's lidar, in the three ways in which models see it: `LIDAR`, `SECTOR_LIDAR` and `DISCRETIZED_SECTOR_LIDAR`.

It looks backwards and to the sides; its rays go round the car counterclockwise, from 30° left of the front to 30° right
of it. A step waits for the camera alone, so every third one sees the scan of the step before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from drcli.config.model_metadata import LidarConfig
from drcli.sim.boxes import new_boxes
from drcli.sim.car_arrays import Array
from drcli.sim.constants import STEPS_PER_SECOND, LidarParams
from drcli.sim.field import Field, field_of
from drcli.sim.sensors.picture_styles import noise_values
from drcli.sim.sensors.sensor import Scene
from drcli.sim.surroundings import surroundings_of
from drcli.sim.track import Track

_LIDAR = LidarParams()
_NO_WALLS = Field(-1e6, -1e6, 1e6, 1e6)
_FARTHEST_RAY_M = 1.0  # LIDAR shows nothing beyond it (community's simapp)

Reading = Callable[[Array], npt.NDArray[Any]]  # of distances [N, rays], in metres


class LidarSensor:
    """Scans at the lidar's own rate, and passes the distances on as its reading says."""

    def __init__(self, track: Track, reading: Reading) -> None:
        from drcli.sim.sensors.lidar_kernel import scan

        self._scan, self._reading, self._field = scan, reading, field_of(track)
        if surroundings_of(track.name).wall_height_m <= _LIDAR.height_m:
            self._field = _NO_WALLS
        self._counts = np.zeros(0, np.int64)  # [K] of the scans in each car's episode, at its last one

    def fill(self, scene: Scene, out: npt.NDArray[Any]) -> None:
        """Write what the cars see that have a new scan."""
        counts = (scene.steps - 1) * _LIDAR.scans_per_s // STEPS_PER_SECOND
        if len(self._counts) != len(counts):
            self._counts = np.full_like(counts, -1)
        is_new = scene.seen & ((scene.steps <= 1) | (counts != self._counts))
        self._counts[is_new] = counts[is_new]
        distances = np.empty((len(counts), _LIDAR.rays))
        boxes = new_boxes(len(counts), 0) if scene.boxes is None else scene.boxes
        draws = noise_values(), scene.noise_seed, counts
        self._scan(_LIDAR, self._field, boxes, scene.cars, draws, is_new, distances)
        out[is_new] = self._reading(distances[is_new])


class _Distances:
    """The distances of all rays, 0.15 to 1 m."""

    shape: ClassVar[tuple[int, ...]] = (_LIDAR.rays,)
    dtype: ClassVar[npt.DTypeLike] = np.float32

    def __call__(self, track: Track) -> LidarSensor:
        """The sensor on a track."""
        return LidarSensor(track, lambda distances: np.clip(distances, _LIDAR.nearest_m, _FARTHEST_RAY_M))

    def mirrored(self, seen: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Rays in reverse order."""
        return seen[..., ::-1]


@dataclass(frozen=True)
class Sectors:
    """How near the nearest thing in each sector is: 1 for one of several ranges of distance, 0 for the others.

    All are 0 if there is nothing within the clipping distance. The ranges of a sector are next to each other, the
    nearest first (community's `observation_sector_discretize_filter.py`).
    """

    config: LidarConfig
    dtype: ClassVar[npt.DTypeLike] = np.float32

    @property
    def shape(self) -> tuple[int, ...]:
        """A number for each range of each sector."""
        return (self.config.num_sectors * self.config.num_values_per_sector,)

    def __call__(self, track: Track) -> LidarSensor:
        """The sensor on a track."""
        return LidarSensor(track, self.reading)

    def reading(self, distances: Array) -> npt.NDArray[Any]:
        """Values `[N, *shape]` of distances `[N, rays]`."""
        config = self.config
        rays = distances.shape[1] // config.num_sectors
        nearest = distances.reshape(-1, config.num_sectors, rays).min(-1)
        size_m = config.clipping_dist_m / config.num_values_per_sector
        ranges = np.floor(np.minimum(nearest, config.clipping_dist_m) / size_m)
        is_there = ranges[..., np.newaxis] == np.arange(config.num_values_per_sector)
        return np.reshape(is_there, (len(distances), *self.shape))

    def mirrored(self, seen: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Sectors in reverse order."""
        sectors = self.config.num_sectors, self.config.num_values_per_sector
        return seen.reshape(*seen.shape[:-1], *sectors)[..., ::-1, :].reshape(seen.shape)


class _DiscretizedSectors:
    """Sectors as `lidar_config` has them."""

    def configured(self, lidar: LidarConfig) -> Sectors:
        """With this configuration."""
        return Sectors(lidar)


LIDAR = _Distances()
SECTOR_LIDAR = Sectors(LidarConfig(num_sectors=8, num_values_per_sector=1, clipping_dist=0.5))
DISCRETIZED_SECTOR_LIDAR = _DiscretizedSectors()
