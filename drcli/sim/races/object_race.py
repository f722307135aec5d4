"""What races with objects on the road share: collisions, params, places to start and to continue.

A race type says which objects there are and where (`_place`), and, if they move, how. Definitions follow the
community's simapp.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import numpy as np

from drcli.config.race_settings import RaceSettings
from drcli.contract.episode import Status
from drcli.sim.boxes import Boxes, new_boxes
from drcli.sim.car_arrays import Bools, Codes
from drcli.sim.constants import grey
from drcli.sim.races.object_kinds import ObjectKind
from drcli.sim.races.own_params import OwnParams
from drcli.sim.races.race_type import EpisodeStart
from drcli.sim.races.time_trial import TimeTrial
from drcli.sim.reward_params import Params
from drcli.sim.telemetry import CarHistory, Telemetry
from drcli.sim.track import INNER_LANE, OUTER_LANE, Pose, Track

if TYPE_CHECKING:
    from drcli.sim.car_dynamics import CarState

NEAR_M = 1.0  # along the track: nobody is put on an object's lane that near to it
_STEP_BACK_M, _MOST_STEPS_BACK = 0.25, 40
_MARGIN_M = 0.03
_TAG = 0x0B1  # tells these random numbers from others of the same episode
_CRASHED = Status.CRASHED.code


class ResetSettings(NamedTuple):
    """Where a car continues near an object."""

    behind_m: float  # before the object
    ahead_m: float  # after it: mercy
    mercy_hits: int | None  # how often it has to be hit for that; None: never

    @classmethod
    def read(cls, own: OwnParams) -> ResetSettings:
        """Raises ParamError."""
        return cls(
            own.number("RESET_BEHIND_DIST", 1.0),
            own.number("RESET_AHEAD_DIST", 1.0),
            own.count("MAX_RESETS_AFTER_CRASH", 3) if own.is_set("ENABLE_MERCY_RESET") else None,
        )


class ObjectRace(TimeTrial):
    """A time trial with M objects of one kind on the road of each car.

    is_obstacle: hitting it is a crash from any side, otherwise only from behind.
    """

    privileged_sensors: ClassVar[tuple[str, ...]] = ("OBJECTS_AHEAD",)

    def __init__(
        self,
        track: Track,
        settings: RaceSettings,
        num_envs: int,
        *,
        kind: ObjectKind,
        count: int,
        is_obstacle: bool,
    ) -> None:
        from drcli.sim.geometry import road_of
        from drcli.sim.races import collisions, object_kernels

        super().__init__(track, settings, num_envs)
        self._collisions, self._kernels = collisions, object_kernels
        self._road = road_of(track)
        self._kind, self._count, self._is_obstacle = kind, count, is_obstacle
        self._boxes = new_boxes(num_envs, count)
        self._boxes.length_m[:], self._boxes.width_m[:] = kind.length_m, kind.width_m
        self._boxes.height_m[:], self._boxes.grey[:] = kind.height_m, grey(kind.colour)
        self._boxes.is_car[:] = kind.is_car
        self._where = object_kernels.new_on_road(num_envs, count)
        self._hits, self._ahead_m = np.zeros((num_envs, count), np.bool_), np.zeros((num_envs, count))
        self._is_reversed = np.zeros(num_envs, np.bool_)
        self._times_hit = np.zeros((num_envs, count), np.int64)  # in the present episode
        self._resets = ResetSettings.read(OwnParams(settings.own))

    @property
    def boxes(self) -> Boxes | None:
        """The objects."""
        return self._boxes if self._count else None

    def start(self, k: int, start: EpisodeStart) -> Pose:
        """Put the objects in their places; the car starts on the centre line, or beside an object that is near."""
        rng = np.random.default_rng([start.seed, start.number, _TAG])
        self._is_reversed[k], self._times_hit[k] = start.is_reversed, 0
        self._place(k, start, rng)
        if self.settings.randomised_pictures:
            self._boxes.grey[k] = [
                grey(tuple(rgb)) for rgb in rng.integers(0, 256, (self._count, 3)).tolist()
            ]
        self._locate(np.arange(len(self._is_reversed)) == k)
        way = self.ways[start.is_reversed]
        near = self._nearest(k, start.ndist * way.length_m)
        if near is None:
            return way.pose_at(start.ndist)
        return self._free_pose(k, start.ndist * way.length_m, -self._lane(k, near))

    def is_free(self, k: int, pose: Pose) -> bool:
        """Whether a car at a pose would touch no object."""
        boxes = self._boxes
        return all(
            self._collisions.is_clear(
                pose,
                (boxes.x_m[k, m], boxes.y_m[k, m], boxes.heading_rad[k, m]),
                self._kind.hit_length_m,
                self._kind.hit_width_m,
                _MARGIN_M,
            )
            for m in range(self._count)
        )

    def faults(self, cars: CarState, at: Telemetry) -> Codes:
        """Those of a time trial; a crash has priority."""
        self._find_hits(cars)
        crashed = self._hits if self._is_obstacle else self._hits & (self._ahead_m < 0.0)
        codes = at.own_fault.copy()
        codes[crashed.any(axis=1)] = _CRASHED
        return codes

    def reward_params(self, cars: CarState, at: Telemetry) -> Sequence[Params] | None:
        """Where the objects are. Indices are those of the lists."""
        if not self._count:
            return None
        order = np.argsort(self._where.along_m, axis=1)
        ordered = np.take_along_axis(self._where.along_m, order, axis=1)
        after = (ordered <= at.projection_distance_m[:, None]).sum(axis=1)
        rows = np.arange(len(after))
        behind, ahead = order[rows, after - 1], order[rows, after % self._count]
        in_camera = np.zeros(len(after), np.bool_)
        self._kernels.find_in_camera(cars, self._boxes, ahead, in_camera)
        speed, heading = self._motion()
        columns = zip(
            np.stack([behind, ahead], axis=1).tolist(),
            np.stack([self._boxes.x_m, self._boxes.y_m], axis=2).tolist(),
            self._where.is_left.tolist(),
            heading.tolist(),
            self._where.from_center_m.tolist(),
            self._where.along_m.tolist(),
            in_camera.tolist(),
            strict=True,
        )
        return [
            {
                "closest_objects": closest,
                "objects_location": location,
                "objects_left_of_center": is_left,
                "objects_speed": [speed] * self._count,
                "objects_heading": headings,
                "objects_distance_from_center": gaps,
                "objects_distance": along,
                "object_in_camera": is_seen,
            }
            for closest, location, is_left, headings, gaps, along, is_seen in columns
        ]

    def put_back(self, k: int, fault: Status, at: Telemetry, history: CarHistory) -> Pose:
        """On the nearer lane where it was, for a crash at the time of it; but if an object is near, before that.

        It then continues RESET_BEHIND_DIST before the object on the other lane, or, if it has hit the same one
        MAX_RESETS_AFTER_CRASH times and ENABLE_MERCY_RESET is set, RESET_AHEAD_DIST behind it.
        """
        has_crashed = fault is Status.CRASHED
        if has_crashed:
            self._times_hit[k] += self._hits[k]
        progress = at.progress if has_crashed else history.progress_before
        length_m = self.ways[0].length_m
        along_m = float(history.start_ndist[k] + progress[k] % 100.0 / 100.0) % 1.0 * length_m
        near = self._nearest(k, along_m)
        if has_crashed and self._hits[k].any():
            near = int(self._hits[k].argmax())
        if near is None:
            pose = super().put_back(k, fault, at, history)
            return pose if self.is_free(k, pose) else self._free_pose(k, along_m, INNER_LANE)
        lane, object_m = -self._lane(k, near), float(self._where.along_m[k, near])
        resets = self._resets
        if resets.mercy_hits is not None and self._times_hit[k, near] >= max(resets.mercy_hits, 1):
            return self._free_pose(k, object_m + resets.ahead_m, lane)
        return self._free_pose(k, object_m - resets.behind_m, lane)

    def _place(self, k: int, start: EpisodeStart, rng: np.random.Generator) -> None:
        """Set the poses of the objects of car `k` for an episode."""
        raise NotImplementedError

    def _motion(self) -> tuple[float, np.ndarray]:
        """objects_speed, and objects_heading `[K, M]` (rad): those of a box are 0, wherever it looks."""
        return 0.0, np.zeros_like(self._boxes.heading_rad)

    def _locate(self, cars: Bools) -> None:
        """Find out where the objects of some cars are on the road."""
        self._kernels.locate_objects(self._road, self._boxes, self._is_reversed, cars, self._where)

    def _find_hits(self, cars: CarState) -> None:
        size_m = self._kind.hit_length_m, self._kind.hit_width_m
        self._collisions.find_hits(cars, self._boxes, size_m, self._hits, self._ahead_m)

    def _nearest(self, k: int, along_m: float) -> int | None:
        """The object that is nearest along the track, if one is within NEAR_M."""
        if not self._count:
            return None
        way = self.ways[0]
        gaps = np.abs(self._where.along_m[k] - along_m)
        if way.is_loop:
            gaps = np.minimum(gaps, way.length_m - gaps)
        nearest = int(gaps.argmin())
        return nearest if gaps[nearest] < NEAR_M else None

    def _lane(self, k: int, m: int) -> int:
        """The lane of an object."""
        way = self.ways[int(self._is_reversed[k])]
        return INNER_LANE if bool(self._where.is_left[k, m]) == way.is_ccw else OUTER_LANE

    def _free_pose(self, k: int, along_m: float, lane: int) -> Pose:
        """A pose on a lane that touches no object: there or on the other lane, otherwise further back."""
        way = self.ways[int(self._is_reversed[k])]
        wanted = way.lane_pose_at(along_m / way.length_m, lane)
        for back in range(_MOST_STEPS_BACK):
            ndist = (along_m - back * _STEP_BACK_M) / way.length_m
            for side in (lane, -lane):
                pose = way.lane_pose_at(ndist, side)
                if self.is_free(k, pose):
                    return pose
        return wanted
