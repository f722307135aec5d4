"""The five states of a car that DeepRacer on AWS calls a reward function with. NumPy only.

Source: reward-function-validation/lib/reward_func_validator/test_reward_function.py get_params. It takes the columns of
a route for inner border, centre and outer border. They are centre, inner and outer, so its `waypoints` are the inner
border's points, an array, and `x` and `y` are a quarter of the road away from the centre line.
"""

from __future__ import annotations

import math
from copy import deepcopy
from typing import Any

import numpy as np

from drcli.sim.track import Array

Params = dict[str, Any]

# Six objects, the same on every track.
_OBJECTS = {
    "closest_objects": [0, 1],
    "object_in_camera": True,
    "objects_distance": [1.95017, 4.1397, 7.99716, 10.02422, 12.56562, 15.09071],
    "objects_heading": [2.71732, 2.36892, -1.93051, -1.35866, 0.00025, 0.55733],
    "objects_left_of_center": [True, True, False, True, False, True],
    "objects_location": [
        [4.51129, 1.32924],
        [6.5373, 1.41401],
        [4.75298, 3.13509],
        [3.10337, 4.13306],
        [0.70942, 4.21751],
        [1.59966, 1.71247],
    ],
    "objects_speed": [0.2] * 6,
}


def states(rows: Array) -> dict[str, Params]:
    """The params of each state by its name, on a route of `[N, 6]` rows. Metres, degrees, percent, m/s."""
    first, line = rows[0], rows[:, 2:4]
    width_m = math.dist(first[2:4], first[4:6])
    towards_outer = (first[4:6] - first[0:2]) / math.dist(first[4:6], first[0:2])
    half_way = line[len(rows) // 2]
    end = {"progress": 100, "steps": 10000, "speed": 5.0, "steering_angle": 0, "heading": 359.9}
    return {
        "beside the start line": _state(
            rows, (first[0:2] + first[2:4]) / 2, speed=0.5, steering_angle=6, heading=0
        ),
        "on the start line": _state(rows, line[0], speed=0.1, steering_angle=0.2, heading=0),
        "half way round": _state(
            rows,
            half_way,
            **{"progress": 50, "steps": 100, "speed": 1.0, "steering_angle": 6, "heading": 359.9},
            closest_waypoints=[3, 4],
        ),
        "off the track": _state(
            rows,
            first[0:2] + towards_outer * width_m,
            **{"speed": 1, "steering_angle": 15, "heading": 359.9, "distance_from_center": width_m},
            **{"all_wheels_on_track": False, "is_offtrack": True},
        ),
        "at the finish line": _state(rows, line[-1], **end, closest_waypoints=[len(rows) - 2, len(rows) - 1]),
    }


def _state(rows: Array, place: Array, **own: Any) -> Params:
    line = rows[:, 2:4].copy()
    return {
        "all_wheels_on_track": True,
        "x": place[0],
        "y": place[1],
        "distance_from_center": 0,
        "progress": 0,
        "steps": 1,
        "track_width": math.dist(rows[0, 2:4], rows[0, 4:6]),
        "waypoints": line,
        "closest_waypoints": [0, 1],
        "is_left_of_center": True,
        "is_reversed": True,
        "track_length": float(np.hypot(*np.diff(line, axis=0).T).sum()),
        "is_crashed": False,
        "is_offtrack": False,
        **deepcopy(_OBJECTS),
        **own,
    }
