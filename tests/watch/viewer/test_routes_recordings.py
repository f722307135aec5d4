"""What the panels of recorded drives ask for, from a real store."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from asgi_requests import get
from PIL import Image
from recorded_drives_in_bucket import STAMP, WORLD
from starlette.applications import Starlette

from drcli.watch.viewer import routes_recordings
from drcli.watch.viewer.viewer_context import ViewerContext


@pytest.fixture
def ask(recorded: ViewerContext) -> Any:
    """Asks for a document of a bucket with one model, and returns the answer."""
    app = Starlette(routes=[*routes_recordings.routes(recorded)])

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
    compared = ask("compare").json()
    (summary,), (evaluation,) = compared["models"], compared["evaluations"]
    assert (summary["name"], summary["world_name"]) == ("m", WORLD)
    assert summary["evaluations"]["best_s"] == 9.0
    assert (evaluation["model"], evaluation["checkpoint"]) == ("m", "2_Step-8.ckpt")


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
