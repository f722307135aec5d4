"""Recorded drives in a bucket, for the panels that show them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from drcli.config.settings import Settings
from drcli.contract.episode import TraceRow
from drcli.paths import Workspace
from drcli.sim.catalogue import load_track
from drcli.store.client import Bucket
from drcli.store.simtrace import format_csv
from drcli.watch.viewer.viewer_context import ViewerContext

STAMP = "20260203040506"
WORLD = "drcli_oval"


def drive(number: int, share: float, status: str) -> list[TraceRow]:
    """Along the centre line of the oval at 2 m/s, from its start."""
    track = load_track(WORLD, None, "")
    steps = round(share * track.length_m / 2.0 * 15)
    rows = []
    for step in range(1, steps + 1):
        x, y, heading = track.pose_at(share * step / steps)
        waypoint = int(np.hypot(*(track.center - (x, y)).T).argmin())
        now = "prepare" if step == 1 else status if step == steps else "in_progress"
        rows.append(
            TraceRow(
                number, float(step), x, y, np.degrees(heading).item(), 5.0, 2.0, 1, 1.0, step == steps, True,
                100.0 * share * step / steps, waypoint, track.length_m, step / 15, now, 0.0, 0, 0.0,
            )
        )  # fmt: skip
    return rows


@pytest.fixture
def recorded(bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ViewerContext:
    """A workspace whose bucket has one model."""
    trials = [
        {"completion_percentage": 100, "elapsed_time_in_milliseconds": 9000, "trial": 1, "reset_count": 0}
    ]
    training = format_csv([*drive(0, 1.0, "lap_complete"), *drive(1, 0.4, "off_track")])
    for key, content in {
        "m/training_params.yaml": f"WORLD_NAME: {WORLD}".encode(),
        "m/training-simtrace/0-iteration.csv": training,
        f"m/evaluation-{STAMP}/evaluation-simtrace/0-iteration.csv": format_csv(
            drive(0, 1.0, "lap_complete")
        ),
        f"m/evaluation-{STAMP}/evaluation.json": json.dumps(
            {"world_name": WORLD, "checkpoint": "2_Step-8.ckpt"}
        ).encode(),
        f"m/metrics/evaluation/evaluation-{STAMP}.json": json.dumps({"metrics": trials}).encode(),
    }.items():
        bucket.put(key, content)
    context = ViewerContext(Settings(), Workspace(tmp_path))
    monkeypatch.setattr(context, "bucket", lambda: bucket)
    return context
