"""A folder of a model as a training of the community's engine leaves it: two iterations and an evaluation."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from drcli.sim.catalogue import load_track
from drcli.sim.track import Track
from drcli.store.metrics import EpisodeResult, EvaluationMetrics, Incidents, TrainingMetrics
from drcli.store.simtrace import format_csv

TRACK = "drcli_oval"
STEP_S = 1 / 15


def drive(track: Track, number: int, speed_mps: float, share: float = 1.0) -> Iterator[tuple[object, ...]]:
    """The rows of an episode along the centre line that ends off the track after a share of a lap, or completes it."""
    count = math.ceil(share * track.length_m / speed_mps / STEP_S)
    for step in range(1, count + 1):
        done = min(share * step / count, 1.0)
        x, y, heading = track.pose_at(done)
        waypoint = int(done * (len(track.center) - 1)) % (len(track.center) - 1)
        is_last = step == count
        status = "in_progress" if not is_last else "lap_complete" if share >= 1 else "off_track"
        yield (
            number, float(step), x, y, math.degrees(heading), 10.0 * (step % 3 - 1), speed_mps, step % 3, done, is_last,
            True, 100 * done, waypoint, track.length_m, step * STEP_S, status, 0.0, 0, 0.0,
        )  # fmt: skip


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder `fast & <furious>`: a name that would break a page which does not escape it."""
    track = load_track(TRACK, None, "")
    folder = tmp_path_factory.mktemp("models") / "fast & <furious>"
    metrics = TrainingMetrics()
    for iteration, shares in enumerate(((0.2, 0.5, 1.0), (0.7, 1.0, 1.0))):
        rows: list[tuple[object, ...]] = []
        metrics.start_iteration()
        for index, share in enumerate(shares):
            rows += drive(track, 3 * iteration + index, 1.0 + 0.5 * index, share)
            status = "lap_complete" if share >= 1 else "off_track"
            metrics.append("training", EpisodeResult(10 * share, 100 * share, status, 0.0, 20 * share))
        metrics.append("evaluation", EpisodeResult(20.0, 100.0, "lap_complete", 0.0, 15.0 - iteration))
        write(folder / "training-simtrace" / f"{iteration}-iteration.csv", format_csv(rows))
    write(folder / "metrics" / "TrainingMetrics.json", metrics.to_json())
    trials = EvaluationMetrics()
    trials.append(EpisodeResult(20.0, 100.0, "lap_complete", 0.0, 14.5), Incidents(off_track_count=2))
    trials.append(EpisodeResult(20.0, 60.0, "crashed", 0.0, 9.0), Incidents(crash_count=1))
    write(folder / "metrics" / "evaluation" / "evaluation-20260102030405.json", trials.to_json())
    write(folder / "ip" / "hyperparameters.json", json.dumps({"lr": 0.0003, "batch_size": 64}).encode())
    write(folder / "training_params.yaml", f"WORLD_NAME: '{TRACK}'\nRACE_TYPE: TIME_TRIAL\n".encode())
    return folder


def write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
