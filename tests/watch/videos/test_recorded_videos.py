"""`dr video`: which drive is filmed, and what is said about it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from mp4_files import read_video
from ports import free_port
from recorded_laps import lap_rows, write_model

from drcli.config.load import settings_of
from drcli.config.settings import Settings
from drcli.contract.keys import evaluation_trace
from drcli.errors import DrError, UsageError
from drcli.paths import Workspace
from drcli.store.client import Bucket
from drcli.store.server import ensure_server
from drcli.store.simtrace import format_csv
from drcli.watch.recordings.recording_sources import opened
from drcli.watch.videos.recorded_race import cars_of, drives_of
from drcli.watch.videos.recorded_videos import MadeVideos, WantedVideo, make_videos

SHARED = Path(__file__).parents[4] / "shared"
ABOVE = ("above",)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """An evaluation of two trials (15 and 20 steps), and a training with laps of 12 and 10 steps."""
    evaluation = [*lap_rows(0, 15), *lap_rows(1, 20, 0.5)]
    training = [*lap_rows(0, 12), *lap_rows(1, 10), *lap_rows(2, 8, 0.3)]
    return write_model(tmp_path / "model", evaluation, training)


def make(workspace: Workspace, where: Path | str, **wanted: object) -> MadeVideos:
    chosen = WantedVideo(str(where), views=ABOVE, **wanted)  # type: ignore[arg-type]
    return make_videos(Settings(), workspace, chosen, lambda done, total: None)


def test_the_last_evaluation_unless_something_else_is_named(workspace: Workspace, model: Path) -> None:
    made = make(workspace, model)
    assert made.shows == "2 trials of the evaluation 20260102030405"
    assert (made.model, made.world_name) == ("model", "drcli_oval")
    folder = workspace.data / "videos" / "model" / "evaluation-20260102030405"
    assert made.paths == {"above": folder / "camera-topview" / "0-video.mp4"}
    assert made.seconds == pytest.approx(35 / 15)
    assert read_video(made.paths["above"]).seconds == pytest.approx(35 / 15)


@pytest.mark.parametrize(
    ("wanted", "steps", "shows"),
    [
        ({"evaluation": "last"}, 35, "2 trials of the evaluation 20260102030405"),
        ({"evaluation": "20260102030405", "trial": 2}, 20, "trial 2 of the evaluation 20260102030405"),
        ({"trial": 1}, 15, "trial 1 of the evaluation 20260102030405"),
        ({"episode": "fastest"}, 10, "episode 0-0-1, a lap of 0.667 s"),
        ({"episode": "0-0-2"}, 8, "episode 0-0-2, 30 % in 0.533 s"),
    ],
)
def test_what_is_named_is_filmed(
    workspace: Workspace, model: Path, wanted: dict[str, object], steps: int, shows: str
) -> None:
    made = make(workspace, model, **wanted)
    assert made.shows == shows
    assert made.seconds == pytest.approx(steps / 15)


def test_an_evaluation_is_named_by_its_prefix(workspace: Workspace, model: Path) -> None:
    assert make(workspace, f"{model}/evaluation-20260102030405").seconds == pytest.approx(35 / 15)


def test_the_fastest_lap_without_an_evaluation(workspace: Workspace, tmp_path: Path) -> None:
    made = make(workspace, write_model(tmp_path / "m", [], [*lap_rows(0, 12), *lap_rows(1, 10)]))
    assert made.shows.startswith("episode 0-0-1, a lap")


def test_the_farthest_drive_without_a_lap(workspace: Workspace, tmp_path: Path) -> None:
    made = make(workspace, write_model(tmp_path / "m", [], [*lap_rows(0, 12, 0.2), *lap_rows(1, 10, 0.6)]))
    assert made.shows == "episode 0-0-1, 60 % in 0.667 s"


@pytest.mark.parametrize(
    ("wanted", "message", "hint"),
    [
        ({"evaluation": "20200101000000"}, "no evaluation 20200101000000", "20260102030405"),
        ({"trial": 3}, "no trial 3", "has 2"),
        ({"episode": "9-9-9"}, "no episode 9-9-9", "0-0-2"),
        ({"episode": "0-0-1", "trial": 1}, "--episode is one of the training", "--trial"),
    ],
)
def test_what_does_not_exist(
    workspace: Workspace, model: Path, wanted: dict[str, object], message: str, hint: str
) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        make(workspace, model, **wanted)
    assert hint in caught.value.hint
    assert not (workspace.data / "videos").exists()


def test_metrics_alone_are_no_drive(workspace: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "m" / "metrics"
    folder.mkdir(parents=True)
    (folder / "TrainingMetrics.json").write_text('{"metrics": [], "version": 2.0}')
    with pytest.raises(DrError, match="no simtraces"):
        make(workspace, tmp_path / "m")


def test_names_and_colours_are_those_of_the_run(workspace: Workspace, model: Path) -> None:
    with opened(Settings(), workspace, str(model)) as recording:
        (look,) = cars_of(recording, "", 1)
        assert (look.name, look.color, look.shell) == ("Anna · Blitz", "Blue", "deepracer")
    (model / "evaluation_params.yaml").write_text(
        "SIMTRACE_S3_PREFIX: [model/evaluation-20260102030405]\nCAR_COLOR: [White]\nRACER_NAME: [Eva]\n"
    )
    with opened(Settings(), workspace, str(model)) as recording:
        assert cars_of(recording, "20260102030405", 1)[0].name == "Eva"
        assert (
            cars_of(recording, "20260102030406", 1)[0].name == "Anna · Blitz"
        )  # a later evaluation's document


def test_objects_are_not_in_a_trace_and_that_is_said(workspace: Workspace, model: Path) -> None:
    facts = model / "evaluation-20260102030405" / "evaluation.json"
    facts.write_text(json.dumps({"race_type": "OBJECT_AVOIDANCE", "world_name": "drcli_oval"}))
    (note,) = make(workspace, model).notes
    assert "Objects on the road are not in the trace" in note
    facts.write_text(json.dumps({"race_type": "TIME_TRIAL", "world_name": "drcli_oval"}))
    assert make(workspace, model).notes == ()


@pytest.mark.parametrize("is_same_race", [True, False])
def test_two_models_that_met_are_in_one_picture(workspace: Workspace, is_same_race: bool) -> None:
    port = free_port()
    bucket = Bucket(ensure_server(workspace, port, "bucket"))
    standings = [{"model": "mine"}, {"model": "rival"}]
    facts = {"race_type": "HEAD_TO_MODEL", "world_name": "drcli_oval", "standings": standings}
    bucket.put("mine/evaluation-20260102030405/evaluation.json", json.dumps(facts).encode())
    mine = [row._replace(wall_clock=1000.0) for row in lap_rows(0, 15)]
    rival = [row._replace(wall_clock=1001.0 if is_same_race else 9000.0) for row in lap_rows(0, 12)]
    bucket.put(evaluation_trace("mine/evaluation-20260102030405"), format_csv(mine))
    bucket.put(evaluation_trace("rival"), format_csv(rival))
    settings = settings_of({"DR_STORE_PORT": str(port)})
    with opened(settings, workspace, "mine") as recording:
        (evaluation,) = recording.evaluations
        (drive,), notes = drives_of(recording, evaluation, (settings, workspace))
    names = [(car.look.name, car.look.color) for car in drive.cars]
    if is_same_race:
        assert names == [("mine", "Purple"), ("rival", "Orange")] and notes == ()
    else:
        assert [name for name, _ in names] == ["mine"] and notes == ("The trace of rival was not found.",)


@pytest.mark.shared
@pytest.mark.slow
@pytest.mark.parametrize(
    ("archive", "wanted"),
    [
        ("console-2020-reInvent2019_track", {"episode": "fastest"}),
        ("drfc-2022-reinvent_base", {"trial": 1}),
        ("droa-2026-reinvent_base", {"episode": "fastest"}),
    ],
)
def test_community_engines(workspace: Workspace, archive: str, wanted: dict[str, object]) -> None:
    traces = SHARED / "traces" / f"{archive}.tar.gz"
    if not traces.exists():
        pytest.skip("needs the reference data in ../shared")
    workspace.tracks.mkdir(parents=True)
    for path in (SHARED / "tracks").glob("re*nvent*.npy"):
        (workspace.tracks / path.name).write_bytes(path.read_bytes())
    made = make(workspace, traces, **wanted)
    video = read_video(made.paths["above"])
    assert video.seconds == pytest.approx(made.seconds)
    assert 6.0 < made.seconds < 60.0
