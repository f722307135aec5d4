"""The params of objects in their places, without kernels: for the trial call of a reward function before a start."""

from __future__ import annotations

import numpy as np

from drcli.sim.races.placement import Places
from drcli.sim.reward_params import Params
from drcli.sim.track import INNER_LANE, Track, project


def params_of_places(track: Track, places: Places, speed_mps: float | None = None) -> Params:
    """What a car on the start line is told of objects in these places; speed_mps: of bot cars, None for obstacles."""
    if not len(places.along_m):
        return {}
    poses = np.array(
        [
            track.lane_pose_at(float(along_m) / track.length_m, int(lane))
            for along_m, lane in zip(*places, strict=True)
        ]
    )
    order = places.along_m.argsort().tolist()
    return {
        "closest_objects": [order[-1], order[0]],
        "objects_location": poses[:, :2].tolist(),
        "objects_left_of_center": [(lane == INNER_LANE) == track.is_ccw for lane in places.lane.tolist()],
        "objects_speed": [speed_mps or 0.0] * len(poses),
        "objects_heading": [0.0] * len(poses) if speed_mps is None else poses[:, 2].tolist(),
        "objects_distance_from_center": project(poses[:, :2], track.center)[1].min(axis=1).tolist(),
        "objects_distance": places.along_m.tolist(),
        "object_in_camera": False,
    }
