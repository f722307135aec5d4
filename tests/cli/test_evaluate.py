from __future__ import annotations

import json
import re
import struct
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from polling import DEADLINE_S

from drcli.config import engine
from drcli.contract.keys import ModelKeys
from drcli.launch import local_process
from drcli.launch.processes.process_folder import ProcessFolder
from drcli.store import simtrace
from drcli.store.checkpoints import read_index
from drcli.store.client import Bucket
from drcli.store.metrics import EvaluationMetrics
from drcli.tables import Table

TRIAL = {
    "trial": int,
    "completion_percentage": int,
    "lap_time_s": float,
    "off_track_count": int,
    "crash_count": int,
    "reset_count": int,
    "status": str,
}


def picture(said: str) -> Path:
    found = re.search(r"The laps are drawn in (.+\.png)\.", said)
    assert found, said
    return Path(found[1])


def result_keys(bucket: Bucket, prefix: str = "model") -> list[str]:
    """What evaluations have left, without their params document."""
    return [
        info.key
        for info in bucket.list(f"{prefix}/")
        if "/evaluation" in info.key and ".yaml" not in info.key
    ]


def test_json_is_all_that_goes_to_stdout(finished: Any) -> None:
    result = finished.evaluation
    assert result.exit_code == 0
    document = json.loads(result.stdout)
    assert list(document) == ["model", "checkpoint", "world_name", "trials"]
    assert (document["model"], document["world_name"]) == ("model", "tiny")
    assert document["checkpoint"] == str(read_index(finished.racer.bucket, ModelKeys("model")).last.name)  # type: ignore[union-attr]
    for number, trial in enumerate(document["trials"], start=1):
        assert {key: type(value) for key, value in trial.items()} == TRIAL
        assert trial["trial"] == number
        assert (trial["status"] == "Lap complete") == (trial["completion_percentage"] == 100)
        assert trial["reset_count"] >= trial["off_track_count"] + trial["crash_count"]
        assert trial["lap_time_s"] > 0
    assert 1 <= len(document["trials"]) <= 2
    assert ("DR_EVAL_MAX_RESETS=8 were used up" in result.stderr) == (len(document["trials"]) < 2)
    assert result.stderr.splitlines()[-1].startswith("next: dr ")


def test_it_leaves_a_trace_and_metrics(finished: Any) -> None:
    bucket, trials = finished.racer.bucket, json.loads(finished.evaluation.stdout)["trials"]
    keys = result_keys(bucket)
    (trace,) = [
        key
        for key in keys
        if re.fullmatch(r"model/evaluation-\d{14}/evaluation-simtrace/0-iteration\.csv", key)
    ]
    (metrics,) = [
        key for key in keys if re.fullmatch(r"model/metrics/evaluation/evaluation-\d{14}\.json", key)
    ]
    rows = simtrace.read_csv(bucket.get(trace), trace)
    assert len({row[0] for row in rows}) == len(trials)
    assert len(EvaluationMetrics.from_json(bucket.get(metrics)).trials) == len(trials)
    assert bucket.exists("model/evaluation_params.yaml")


def test_it_draws_the_laps(finished: Any) -> None:
    """A PNG of some size with many colours: a track, a scale, driven lines."""
    data = picture(finished.evaluation.stderr).read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", data[16:24])
    assert width > 400 and height > 200
    pixels, at = b"", 8
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        if data[at + 4 : at + 8] == b"IDAT":
            pixels += data[at + 8 : at + 8 + length]
        at += length + 12
    assert len(set(zlib.decompress(pixels))) > 100


def test_while_training_runs(live: Any) -> None:
    result = live.evaluation
    assert result.exit_code == 0
    document = json.loads(result.stdout)
    assert document["model"] == "live" and document["trials"]
    assert picture(result.stderr).is_file()
    log = (live.racer.workspace.logs / "1" / "evaluation" / "robomaker-1.log").read_text()
    assert (
        f"checkpoint {document['checkpoint']}," in log
    )  # the one that was driven, not the one of a moment before


@pytest.mark.slow
def test_a_clone_of_the_best_checkpoint(finished: Any, until: Callable[..., Any]) -> None:
    racer, bucket = finished.racer, finished.racer.bucket
    bucket.put("model-E/model/0_Step-0.ckpt.safetensors", b"of an older clone")
    before = bucket.list("model/")
    folder = ProcessFolder.of(racer.workspace, "evaluation", 0)
    folder.write_state(replace(folder.read_state(), started_at=0.0))  # type: ignore[type-var]
    started = racer.popen("evaluate", "-c", "--checkpoint", "best")
    seen = until(lambda: (now := folder.read_state()) and now.started_at and now.state == "running" and now)
    local_process.kill(seen.supervisor)  # the view gives it a new one
    stdout, stderr = started.communicate(timeout=DEADLINE_S)
    assert started.returncode == 0, stderr
    assert folder.read_state().supervisor != seen.supervisor  # type: ignore[union-attr]
    best = read_index(bucket, ModelKeys("model")).best.name  # type: ignore[union-attr]
    first, header, row, *_ = stdout.splitlines()
    assert first == f"model-E, checkpoint {best}, on tiny"
    assert header.split("  ")[0] == "trial" and "lap time s" in header
    assert row.split()[0] == "1"
    assert bucket.list("model/") == before
    assert result_keys(bucket, "model-E")
    original = {info.key.removeprefix("model/") for info in before if info.key.startswith("model/model/")}
    cloned = {info.key.removeprefix("model-E/") for info in bucket.list("model-E/model/")}
    assert cloned == original
    assert "model-E-evaluation" in picture(stderr).name


def test_quiet_then_stopped_leaves_no_half_results(finished: Any) -> None:
    racer = finished.racer
    number = json.loads(finished.evaluation.stdout)["checkpoint"].split("_")[0]
    before = result_keys(racer.bucket)
    words = ("--set", "DR_EVAL_MAX_RESETS=100000", "--set", "DR_EVAL_NUMBER_OF_TRIALS=1000")
    started = racer.invoke("evaluate", "-q", "--checkpoint", number, *words)
    assert (started.exit_code, started.stdout) == (0, "")
    assert "next: dr logs robomaker --evaluation -f" in started.stderr
    second = racer.invoke("evaluate")
    assert second.exit_code == 1
    assert "The evaluation of run 0 is already running." in second.stderr
    assert "dr stop-evaluation" in second.stderr
    stopped = racer.invoke("stop-evaluation")
    assert (stopped.exit_code, stopped.stdout) == (0, "The evaluation of run 0 has stopped.\n")
    assert result_keys(racer.bucket) == before
    again = racer.invoke("stop-evaluation")
    assert (again.exit_code, again.stdout) == (0, "The evaluation of run 0 is not running.\n")


@pytest.mark.parametrize(
    ("words", "code", "texts"),
    [
        (("--checkpoint", "worst"), 2, ("--checkpoint worst", "best, last, fastest or a number")),
        (("--checkpoint", "99"), 1, ("The model model has no checkpoint 99.", "hint: It has ")),
        (
            ("--set", "DR_LOCAL_S3_MODEL_PREFIX=no"),
            1,
            ("The model no has no complete checkpoint", "hint: `dr models`"),
        ),
        (
            ("--set", "DR_WORLD_NAME=tinny", "--set", "DR_TRACKS_URL=http://127.0.0.1:9"),
            1,
            ("--set: DR_WORLD_NAME: unknown world 'tinny'", "Did you mean", "tiny"),
        ),
        (
            ("--set", "DR_RACE_TYPE=HEAD_TO_MODEL", "--set", "DR_EVAL_OPP_S3_MODEL_PREFIX=no"),
            1,
            ("--set: DR_EVAL_OPP_S3_MODEL_PREFIX=no: The model no has no complete checkpoint",),
        ),
        (("--set", "DR_DOCKER_STYLE=podman"), 2, ("DR_DOCKER_STYLE",)),
    ],
)
def test_bad_input(finished: Any, words: tuple[str, ...], code: int, texts: tuple[str, ...]) -> None:
    racer = finished.racer
    before = racer.bucket.list()
    result = racer.invoke("evaluate", *words)
    assert (result.exit_code, result.stdout) == (code, ""), result.stderr
    assert not [text for text in texts if text not in result.stderr], result.stderr
    assert racer.bucket.list() == before


def test_a_model_of_another_engine(finished: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    bucket = finished.racer.bucket
    metadata = json.loads(bucket.get("model/model/model_metadata.json")) | {
        "sensor": ["FRONT_FACING_CAMERA", "LIDAR"]
    }
    monkeypatch.setattr(engine, "SENSORS", Table("none", "sensor", {"FRONT_FACING_CAMERA": ""}))
    bucket.put("left/model/1_Step-1.ckpt.safetensors", b"weights")
    bucket.put("left/model/model_metadata.json", json.dumps(metadata).encode())
    result = finished.racer.invoke("evaluate", "--set", "DR_LOCAL_S3_MODEL_PREFIX=left")
    assert result.exit_code == 2
    assert (
        "left/model/model_metadata.json: drcli's own engine does not support sensor LIDAR yet"
        in result.stderr
    )


def test_nothing_was_ever_trained(new_racer: Callable[[], Any]) -> None:
    result = new_racer().invoke("evaluate")
    assert result.exit_code == 1
    assert "The model model has no complete checkpoint." in result.stderr
