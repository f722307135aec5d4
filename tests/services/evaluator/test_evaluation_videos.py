"""DR_EVAL_SAVE_MP4: what an evaluation leaves under its MP4 prefix."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from evaluation_requests import METRICS, TRACE, ask
from mp4_files import Video, read_video

from drcli.errors import DrError
from drcli.services.observers.observer import ObservedRun
from drcli.store.client import Bucket
from drcli.store.simtrace import read_csv
from drcli.watch.videos import filming
from drcli.watch.videos.evaluation_videos import EvaluationVideos

VIEWS = ("camera-45degree", "camera-pip", "camera-topview")
FILES = {f"{view}/0-video.mp4" for view in VIEWS}


def videos_under(run: Any, prefix: str, folder: Path) -> dict[str, Video]:
    """The videos that are in the bucket, by view."""
    found = {info.key.removeprefix(f"{prefix}/") for info in run.bucket.list(f"{prefix}/")}
    assert found == FILES
    for name in FILES:
        run.bucket.download_file(f"{prefix}/{name}", folder / prefix / name)
    return {view: read_video(folder / prefix / view / "0-video.mp4") for view in VIEWS}


@pytest.mark.slow
def test_an_evaluation_leaves_three_videos(run: Any, tmp_path: Path) -> None:
    bucket = run.bucket.config.bucket
    ask(
        run, NUMBER_OF_TRIALS="2", MP4_S3_BUCKET=[bucket], MP4_S3_OBJECT_PREFIX=["racer/mp4"],
        RACER_NAME=["Anna"], CAR_COLOR=["Blue"],
    )  # fmt: skip
    service = run.start("evaluate")
    assert service.wait() == 0, service.log
    rows = read_csv(run.bucket.get(TRACE))
    videos = videos_under(run, "racer/mp4", tmp_path)
    for video in videos.values():
        assert (video.codec, video.size, video.fps) == ("h264", (640, 480), 15.0)
        assert len(video.pictures) == len(rows)  # both trials, pauses too
    behind = videos["camera-45degree"].pictures[5].astype(int)
    assert ((behind[..., 2] > 120) & (behind[..., 0] < 110)).sum() > 500  # a blue car
    said = service.log
    assert said.index("Video: s3://") < said.index("Evaluation job complete.")


@pytest.mark.slow
def test_objects_are_in_the_videos(run: Any, tmp_path: Path) -> None:
    """As simapp's, on the inner lane: a box of cardboard where there would be road."""
    bucket = run.bucket.config.bucket
    pictures = []
    for count in ("1", "0"):
        ask(
            run, NUMBER_OF_TRIALS="1", NUMBER_OF_RESETS="0", RACE_TYPE="OBJECT_AVOIDANCE", NUMBER_OF_OBSTACLES=count,
            OBJECT_POSITIONS=["0.12,1"][: int(count)], MP4_S3_BUCKET=[bucket], MP4_S3_OBJECT_PREFIX=["racer/mp4"],
        )  # fmt: skip
        run.thread("evaluate").join()
        pictures.append(videos_under(run, "racer/mp4", tmp_path)["camera-pip"].pictures[1].astype(int))
    assert (np.abs(pictures[0] - pictures[1])[90:420, :450].sum(axis=-1) > 60).sum() > 300


@pytest.mark.slow
def test_two_models_have_videos_each_with_both(run: Any, tmp_path: Path) -> None:
    bucket = run.bucket.config.bucket
    two = {
        name: [bucket] * 2
        for name in ("MODEL_S3_BUCKET", "METRICS_S3_BUCKET", "SIMTRACE_S3_BUCKET", "MP4_S3_BUCKET")
    }
    ask(
        run, **two, RACE_TYPE="HEAD_TO_MODEL", NUMBER_OF_TRIALS="1", NUMBER_OF_RESETS="0",
        MODEL_S3_PREFIX=["racer", "racer"], METRICS_S3_OBJECT_KEY=[METRICS, "out/rival.json"],
        SIMTRACE_S3_PREFIX=["out", "rival"], MP4_S3_OBJECT_PREFIX=["racer/mp4", "rival/mp4"],
        CAR_COLOR=["Purple", "Orange"], RACER_NAME=["Anna", "Bob"],
    )  # fmt: skip
    run.thread("evaluate").join()
    mine, theirs = (videos_under(run, prefix, tmp_path) for prefix in ("racer/mp4", "rival/mp4"))
    assert len(mine["camera-pip"].pictures) == len(theirs["camera-pip"].pictures)
    above = mine["camera-topview"].pictures[5].astype(int)[95:420]
    red, green, blue = above[..., 0], above[..., 1], above[..., 2]
    assert ((red > 110) & (green < 90) & (blue > 130)).sum() > 20  # purple
    assert ((red > 220) & (green > 120) & (green < 200) & (blue < 90)).sum() > 20  # orange
    seen = [each["camera-pip"].pictures[5].astype(int)[230:400] for each in (mine, theirs)]
    assert np.abs(seen[0] - seen[1]).mean() > 3.0  # each from its own car


@pytest.mark.slow
def test_a_video_that_fails_does_not_fail_the_evaluation(
    run: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        raise DrError("The disk is full.")

    monkeypatch.setattr(filming, "film", fail)
    bucket = run.bucket.config.bucket
    ask(
        run,
        NUMBER_OF_TRIALS="1",
        NUMBER_OF_RESETS="0",
        MP4_S3_BUCKET=[bucket],
        MP4_S3_OBJECT_PREFIX=["racer/mp4"],
    )
    run.thread("evaluate").join()
    assert run.bucket.exists(METRICS)
    assert run.bucket.list("racer/mp4/") == []
    said = capsys.readouterr().out
    assert "There are no videos: The disk is full." in said and "Evaluation job complete." in said


def test_without_the_setting_nothing_is_kept(run: Any) -> None:
    ask(run, MP4_S3_OBJECT_PREFIX=[], MP4_S3_BUCKET=[])
    environment = run.environment()
    bucket: Bucket = run.bucket
    observer = EvaluationVideos(ObservedRun("evaluation", environment, bucket, run.keys, "tiny", None))  # type: ignore[arg-type]
    observer.on_episode(0, object())  # type: ignore[arg-type]
    assert observer._episodes == []
