"""What the panels of recorded drives ask for, from a real store."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from asgi_requests import get
from PIL import Image
from starlette.applications import Starlette

from drcli.config.settings import Settings
from drcli.contract.episode import TraceRow
from drcli.paths import Workspace
from drcli.sim.catalogue import load_track
from drcli.store.client import Bucket
from drcli.store.simtrace import format_csv
from drcli.watch.viewer import routes_recordings
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
def ask(bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Asks for a document of a bucket with one model, and returns the answer."""
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
    app = Starlette(routes=[*routes_recordings.routes(context)])

    def asked(document: str, /, **params: Any) -> Any:
        return get(app, f"/api/recordings/{document}", {"model": "m"} | params)

    return asked


def test_the_track_with_what_happened_on_it(ask: Any) -> None:
    document = ask("track", sectors=4).json()
    assert document["track"]["name"] == WORLD
    assert len(document["track"]["center"]) == len(document["track"]["inner"])
    assert [line["episode"] for line in document["lines"]] == ["0-0-0"]
    assert [end["status"] for end in document["ends"]] == ["off_track"]
    assert len(document["sectors"]["laps"][0]["times_s"]) == 4
    assert document["laps"]["laps"] == 1
    assert sum(map(sum, document["actions"]["counts"])) > 100
    assert ask("track", evaluation=STAMP).json()["ends"] == []


def test_episodes_are_listed_and_replayed(ask: Any) -> None:
    listed = ask("episodes").json()["episodes"]
    assert [(row["name"], row["status"]) for row in listed] == [
        ("0-0-0", "lap_complete"),
        ("0-0-1", "off_track"),
    ]
    steps = ask("episode", name="0-0-1").json()["steps"]
    assert {len(column) for column in steps.values()} == {listed[1]["steps"]}
    assert steps["episode_status"][-1] == "off_track"


def test_a_step_has_params_and_a_picture(ask: Any) -> None:
    params = ask("params", name="0-0-0", step=40).json()["params"]
    assert params["steps"] == 41 and params["is_offtrack"] is False
    assert params["distance_from_center"] < 0.1 and "waypoints" not in params
    answer = ask("picture", name="0-0-0", step=40)
    assert answer.headers["content-type"] == "image/png"
    picture = np.asarray(Image.open(io.BytesIO(answer.content)))
    assert picture.shape == (120, 160) and picture.std() > 10


def test_evaluations_are_tables(ask: Any) -> None:
    (evaluation,) = ask("evaluations").json()["evaluations"]
    assert (evaluation["checkpoint"], evaluation["trials"][0]["time_s"]) == ("2_Step-8.ckpt", 9.0)
    assert evaluation["summary"]["laps"] == 1


def test_models_are_compared(ask: Any) -> None:
    (summary,) = ask("compare").json()["models"]
    assert (summary["name"], summary["world_name"]) == ("m", WORLD)
    assert summary["evaluations"]["best_s"] == 9.0


@pytest.mark.parametrize(
    ("name", "params", "message"),
    [
        ("episode", {"name": "9-9-9"}, "no episode 9-9-9"),
        ("params", {"name": "0-0-0", "step": 99999}, "no step 99999"),
        ("params", {"name": "0-0-0", "step": "-1"}, "not a number"),
        ("track", {"sectors": 2}, "2 sectors"),
        ("track", {"evaluation": "20000101000000"}, "no evaluation"),
        ("episodes", {"model": ""}, "model is missing"),
    ],
)
def test_what_does_not_exist_is_said(ask: Any, name: str, params: dict[str, Any], message: str) -> None:
    answer = ask(name, **params)
    assert answer.status == 400
    assert message in answer.json()["error"]
