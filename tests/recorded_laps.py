"""Rows of traces: laps along the centre line, as a simulator records them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

from drcli.contract.episode import TraceRow
from drcli.sim.catalogue import load_track
from drcli.store.simtrace import format_csv
from drcli.watch.recordings.recorded_episode import RecordedEpisode, episodes_in
from drcli.watch.recordings.trace_table import steps_of

TRACK = load_track("drcli_oval", None, "")
STEP_S = 1 / 15


def lap_rows(
    number: int = 0, steps: int = 60, share: float = 1.0, began_s: float = 0.0
) -> Iterator[TraceRow]:
    """A drive over a share of a lap; it is complete, or ends off the track. Each step pays its number."""
    for step in range(1, steps + 1):
        done = share * (step - 1) / (steps - 1)
        x, y, heading = TRACK.pose_at(done)
        status = "prepare" if step == 1 else "in_progress"
        if step == steps:
            status = "lap_complete" if share == 1.0 else "off_track"
        yield TraceRow(
            number, float(step), x, y, math.degrees(heading), 0.0, 2.0, 0, float(step), step == steps, True,
            100.0 * done, 0, TRACK.length_m, began_s + step * STEP_S, status, 0.0, 0, 0.0,
        )  # fmt: skip


def lap(number: int = 0, steps: int = 60, share: float = 1.0) -> RecordedEpisode:
    """The same as an episode."""
    (episode,) = episodes_in(steps_of([*lap_rows(number, steps, share)]))
    return episode


def write_model(folder: Path, evaluation: list[TraceRow], training: list[TraceRow]) -> Path:
    """The folder of a model with an evaluation and an iteration of a training, either of which may be empty."""
    files = {
        "evaluation-20260102030405/evaluation-simtrace/0-iteration.csv": evaluation,
        "training-simtrace/0-iteration.csv": training,
    }
    for name, rows in files.items():
        if rows:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(format_csv(rows))
    looks = "CAR_COLOR: Blue\nDISPLAY_NAME: Blitz\nRACER_NAME: Anna\n"
    (folder / "training_params.yaml").write_text(f"WORLD_NAME: drcli_oval\n{looks}")
    return folder
