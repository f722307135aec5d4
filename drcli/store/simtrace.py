"""Simtrace: one row per step, as CSV in the bucket and as SIM_TRACE_LOG lines in a worker's log.

Format of deepracer-simapp `markov/metrics/s3_metrics.py`; read by deepracer-utils, log-guru and notebooks.
A row is any sequence of the 19 values in the order of `HEADER`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from drcli.contract.episode import TraceRow
from drcli.errors import DrError


def _flag(text: str) -> bool:
    if text not in ("True", "False"):
        raise ValueError(f"{text!r} is neither True nor False")
    return text == "True"


def _action(text: str) -> int | str:
    """The index of a discrete action, or `[steering speed]` unchanged."""
    return text if text.startswith("[") else int(text)


# column → its parser
_READERS: dict[str, Callable[[str], Any]] = {
    "episode": int,
    "steps": float,
    "X": float,
    "Y": float,
    "yaw": float,
    "steer": float,
    "throttle": float,
    "action": _action,
    "reward": float,
    "done": _flag,
    "all_wheels_on_track": _flag,
    "progress": float,
    "closest_waypoint": int,
    "track_len": float,
    "tstamp": float,
    "episode_status": str,
    "pause_duration": float,
    "obstacle_crash_counter": int,
    "wall_clock": float,
}
HEADER = TraceRow._fields

_ADDED_LATER = {"pause_duration": 0.0, "obstacle_crash_counter": 0, "wall_clock": 0.0}
_LOG_FORMAT = "SIM_TRACE_LOG:%d,%d,%.4f,%.4f,%.4f,%.2f,%.2f,%s,%.4f,%s,%s,%.4f,%d,%.2f,%s,%s,%.2f,%d,%.4f"


def format_csv(rows: Iterable[Sequence[object]]) -> bytes:
    """The rows as a simtrace file: numbers as Python writes them."""
    return "\n".join([",".join(HEADER), *(",".join(map(str, row)) for row in rows), ""]).encode()


def format_log_line(row: Sequence[object]) -> str:
    """One row as a line of the worker's log."""
    return _LOG_FORMAT % tuple(row)


def read_csv(data: bytes, where: str = "simtrace") -> list[tuple[Any, ...]]:
    """Rows of 19 values each, from a file in any of the four formats (16 to 19 columns).

    Columns that were added later are 0 if the file lacks them. Raises DrError, which names `where` and the line.
    """
    lines = data.decode(errors="replace").splitlines()
    names = lines[0].split(",") if lines else []
    if lacking := [name for name in HEADER if name not in names and name not in _ADDED_LATER]:
        raise DrError(f"{where} is not a simtrace: it lacks the columns {', '.join(lacking)}.")
    columns = [(names.index(name) if name in names else -1, name) for name in HEADER]
    rows = []
    for number, line in enumerate(lines[1:], start=2):
        cells = line.split(",")
        try:
            if len(cells) != len(names):
                raise ValueError(f"{len(cells)} values for {len(names)} columns")
            rows.append(
                tuple(_READERS[name](cells[at]) if at >= 0 else _ADDED_LATER[name] for at, name in columns)
            )
        except ValueError as error:
            raise DrError(f"{where}:{number} is broken: {error}.") from error
    return rows
