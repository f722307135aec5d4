"""A race with one box in the road: who drives into it has crashed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from drcli.config.race_settings import RaceSettings
from drcli.contract.episode import Status
from drcli.sim.boxes import Boxes, new_boxes
from drcli.sim.races.race_type import EpisodeStart
from drcli.sim.races.time_trial import TimeTrial
from drcli.sim.reward_params import Params
from drcli.sim.telemetry import Telemetry
from drcli.sim.track import Pose, Track

SIDE_M = 0.3


class OneBox(TimeTrial):
    """The box is BOX_AHEAD (a share of the lap, default 0.5) ahead of where the car starts, on the centre line."""

    def __init__(self, track: Track, settings: RaceSettings, num_envs: int) -> None:
        super().__init__(track, settings, num_envs)
        self._ahead = float(str(settings.own.get("BOX_AHEAD", 0.5)))
        self._boxes = new_boxes(num_envs, 1)
        for side in (self._boxes.length_m, self._boxes.width_m, self._boxes.height_m):
            side[:] = SIDE_M

    @property
    def boxes(self) -> Boxes:
        """One for each car."""
        return self._boxes

    def start(self, k: int, start: EpisodeStart) -> Pose:
        """Put the box down."""
        x, y, heading = self.ways[start.is_reversed].pose_at((start.ndist + self._ahead) % 1.0)
        self._boxes.x_m[k], self._boxes.y_m[k], self._boxes.heading_rad[k] = x, y, heading
        return super().start(k, start)

    def faults(self, cars: Any, at: Telemetry) -> Any:
        """Those of a time trial, and the box."""
        codes = super().faults(cars, at).copy()
        codes[self._distance_m(at) < SIDE_M] = Status.CRASHED.code
        return codes

    def reward_params(self, cars: Any, at: Telemetry) -> Sequence[Params]:
        """Where the box is."""
        places = zip(self._boxes.x_m[:, 0].tolist(), self._boxes.y_m[:, 0].tolist(), strict=True)
        return [{"objects_location": [place]} for place in places]

    def _distance_m(self, at: Telemetry) -> Any:
        return np.hypot(self._boxes.x_m[:, 0] - at.x_m, self._boxes.y_m[:, 0] - at.y_m)
