"""A simtrace as a table of columns: a structured array, one element per step. Read by NumPy, as traces are long.

`drcli.store.simtrace` defines the format and reads it row by row; what is wrong with a file is found by it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from drcli.contract.episode import TraceRow
from drcli.store.simtrace import read_csv

Steps = npt.NDArray[np.void]  # of STEP

CONTINUOUS = -1  # as the action of a step: steer and throttle say what it was
_TYPES: dict[str, str] = {
    "episode": "i8",
    "steps": "f8",
    "X": "f8",  # of the nose, m
    "Y": "f8",
    "yaw": "f8",  # degrees
    "steer": "f8",  # degrees
    "throttle": "f8",  # m/s
    "action": "i4",  # index of a discrete action, or CONTINUOUS
    "reward": "f8",
    "done": "?",
    "all_wheels_on_track": "?",
    "progress": "f8",  # %
    "closest_waypoint": "i8",
    "track_len": "f8",  # m
    "tstamp": "f8",  # s
    "episode_status": "U12",
    "pause_duration": "f8",  # s
    "obstacle_crash_counter": "i8",
    "wall_clock": "f8",  # s since 1970
}
STEP = np.dtype([(name, _TYPES[name]) for name in TraceRow._fields])
_AS_TEXT = {"action": "S48", "done": "S6", "all_wheels_on_track": "S6", "episode_status": "S13"}


def read_steps(data: bytes, where: str) -> Steps:
    """The steps of a simtrace in any of the four formats. Raises DrError, which names `where` and the line."""
    head, _, body = data.partition(b"\n")
    names = head.decode(errors="replace").strip().split(",")
    if not body.strip() or len(set(names)) < len(names) or not _is_header(names):
        return steps_of(read_csv(data, where))
    columns = np.dtype([(name, _AS_TEXT.get(name, _TYPES.get(name, "S1"))) for name in names])
    try:
        table = np.loadtxt(body.decode().splitlines(), dtype=columns, delimiter=",", comments=None, ndmin=1)
        return _converted(table)
    except (ValueError, OverflowError):
        return steps_of(read_csv(data, where))


def steps_of(rows: Sequence[Sequence[Any]]) -> Steps:
    """The same from rows of 19 values, such as those of an episode that has just been driven."""
    action = TraceRow._fields.index("action")
    return np.array(
        [
            (*row[:action], CONTINUOUS if isinstance(row[action], str) else row[action], *row[action + 1 :])
            for row in rows
        ],
        dtype=STEP,
    )


def _is_header(names: Sequence[str]) -> bool:
    return set(TraceRow._fields[:16]) <= set(names)  # the three others were added later


def _converted(table: npt.NDArray[np.void]) -> Steps:
    steps = np.zeros(len(table), STEP)
    for name in (name for name in TraceRow._fields if name in (table.dtype.names or ())):
        column = table[name]
        if name == "action":
            column = _action_numbers(column)
        elif name in ("done", "all_wheels_on_track"):
            is_true = column == b"True"
            if not (is_true | (column == b"False")).all():
                raise ValueError(name)
            column = is_true
        steps[name] = column
    return steps


def _action_numbers(texts: npt.NDArray[np.bytes_]) -> npt.NDArray[np.int32]:
    is_pair = np.char.startswith(texts, b"[")
    return np.where(is_pair, str(CONTINUOUS).encode(), texts).astype(np.int32)
