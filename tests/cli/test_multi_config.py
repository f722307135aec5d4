"""DR_TRAIN_MULTI_CONFIG with our engine: one model learns on several tracks at once."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from drcli.contract.keys import ModelKeys, training_metrics
from drcli.sim.catalogue import load_track
from drcli.store import simtrace
from drcli.store.metrics import TrainingMetrics

Racer = Any
MODEL = ModelKeys("model")
TRACK_LEN = simtrace.HEADER.index("track_len")


@pytest.fixture
def racer(new_racer: Callable[[], Racer]) -> Racer:
    """Two workers, the second on a track of its own."""
    racer = new_racer()
    racer.write_run_env(DR_WORKERS="2", DR_TRAIN_MULTI_CONFIG="True")
    racer.workspace.worker_env(2).write_text("DR_WORLD_NAME=drcli_oval\nDR_CAR_COLOR=Blue\n")
    return racer


@pytest.mark.slow
def test_each_worker_drives_its_own_track(racer: Racer) -> None:
    done = racer.dr("start-training")
    assert done.returncode == 0, done.stderr
    bucket, worlds = racer.bucket, ("tiny", "drcli_oval")
    for index, name in enumerate(worlds):
        document = yaml.safe_load(bucket.get(MODEL.params(f"training_params_{index + 1}.yaml")).decode())
        assert document["WORLD_NAME"] == name
        length_m = load_track(name, racer.workspace.tracks, "").length_m
        traces = list(bucket.list(f"model/{index}/training-simtrace/"))
        rows = [row for info in traces for row in simtrace.read_csv(bucket.get(info.key), info.key)]
        assert rows, f"worker {index} has driven nothing"
        assert [float(row[TRACK_LEN]) for row in rows] == pytest.approx([length_m] * len(rows), abs=0.01)
        key = training_metrics(MODEL.default_metrics, index)
        metrics = TrainingMetrics.from_json(bucket.get(key), key)
        assert metrics.episode_count == len({row[0] for row in rows})
    assert (
        "This worker drives on drcli_oval."
        in racer.invoke("logs", "robomaker", "-n", "2", "--tail", "0").stdout
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, r"worker-2\.env"),
        ("DR_WORLD_NAME=nowhere\nDR_TRACKS_URL=http://127.0.0.1:9\n", "nowhere"),
        ("DR_RACE_TYPE=HEAD_TO_MODEL\n", r"worker-2\.env:1: .*is for evaluations"),
    ],
)
def test_every_worker_is_checked_before(racer: Racer, text: str | None, said: str) -> None:
    racer.workspace.worker_env(2).unlink()
    if text is not None:
        racer.workspace.worker_env(2).write_text(text)
    refused = racer.invoke("start-training")
    assert refused.exit_code in (1, 2)
    assert re.search(said, refused.stderr), refused.stderr
    assert not racer.workspace.runs.exists()
