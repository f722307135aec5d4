"""Recordings of any engine read alike, wherever they are."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import numpy as np
import pytest

from drcli.config.settings import Settings
from drcli.contract.episode import TraceRow
from drcli.errors import DrError, UsageError
from drcli.paths import Workspace
from drcli.store.learning_curve import LearningCurve, LearningPoint
from drcli.store.simtrace import format_csv
from drcli.watch.recordings.recorded_episode import episodes_in
from drcli.watch.recordings.recording import Recording
from drcli.watch.recordings.recording_sources import opened
from drcli.watch.recordings.trace_cache import TraceCache
from drcli.watch.recordings.trace_table import CONTINUOUS, read_steps, steps_of

SHARED = Path(__file__).parents[4] / "shared" / "traces"


def row(episode: int, step: int, status: str = "in_progress", **values: object) -> TraceRow:
    """A step of a car that drives along x, 0.1 m and 10 % a step; the clock starts at 0 in each episode."""
    usual = {
        "yaw": 0.0, "steer": 10.0, "throttle": 2.0, "action": 3, "reward": 1.5, "done": status != "in_progress",
        "all_wheels_on_track": True, "progress": 10.0 * step, "closest_waypoint": step, "track_len": 17.71,
        "tstamp": step / 15, "episode_status": status, "pause_duration": 0.0, "obstacle_crash_counter": 0,
        "wall_clock": 0.0, "X": 0.1 * step, "Y": 0.0,
    }  # fmt: skip
    return TraceRow(episode=episode, steps=float(step), **(usual | values))  # type: ignore[arg-type]


def drive(episode: int, steps: int = 4, status: str = "off_track") -> list[TraceRow]:
    return [
        row(episode, 1, "prepare", reward=0.0),
        *(row(episode, step) for step in range(2, steps)),
        row(episode, steps, status),
    ]


def open_folder(folder: Path) -> Recording:
    with opened(Settings(), Workspace(folder / "none"), str(folder)) as recording:
        return recording


def write(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def training_row(trial: int, episode: int, progress: int, phase: str = "training") -> dict[str, object]:
    return {
        "reward_score": progress * 2, "metric_time": 1000 * episode, "start_time": 0,
        "elapsed_time_in_milliseconds": 2000, "episode": episode, "trial": trial, "phase": phase,
        "completion_percentage": progress, "episode_status": "Off track",
    }  # fmt: skip


def test_an_episode_knows_its_end() -> None:
    (episode,) = episodes_in(steps_of(drive(7, 10, "lap_complete")), 2, 5)
    assert (episode.name, episode.number, episode.status) == ("5-2-7", 7, "lap_complete")
    assert episode.is_lap and episode.progress == 100.0 and episode.total_reward == 13.5
    assert episode.lap_s == pytest.approx(10 / 15)  # the step of preparation counts
    assert len(episode.rows) == 10 and len(episode.driven) == 9


def test_a_run_that_was_stopped_leaves_a_part() -> None:
    whole, part = episodes_in(steps_of([*drive(0), *drive(1)[:-1]]))
    assert whole.is_whole and not part.is_whole
    assert part.lap_s is None


def test_an_episode_is_split_where_steps_are_counted_from_1_again() -> None:
    assert [len(each.rows) for each in episodes_in(steps_of([*drive(0), *drive(0, 6)]))] == [4, 6]


def test_laps_of_a_race_that_goes_on_are_timed_from_line_to_line() -> None:
    """As in evaluations with DR_EVAL_IS_CONTINUOUS: steps and clock are counted on, the status stays."""
    first = drive(0, 10, "in_progress")
    second = [row(1, step, progress=10.0 * (step - 10)) for step in range(11, 21)]
    laps = [*episodes_in(steps_of([*first, *second]))]
    assert [lap.status for lap in laps] == ["lap_complete"] * 2
    assert [lap.lap_s for lap in laps] == pytest.approx([10 / 15, 10 / 15])


def test_pauses_are_penalties() -> None:
    rows = [
        row(0, 1),
        row(0, 2, "off_track"),
        row(0, 3, "pause"),
        row(0, 4, "pause"),
        row(0, 5, progress=100.0),
    ]
    (episode,) = episodes_in(steps_of(rows))
    assert episode.pause_s == pytest.approx(2 / 15)
    assert episode.count("off_track") == 1


@pytest.mark.parametrize("columns", [16, 17, 18, 19])
def test_all_four_formats_are_read(columns: int) -> None:
    lines = format_csv([row(0, 1, wall_clock=5.0), row(0, 2)]).decode().splitlines()
    text = "\n".join(",".join(line.split(",")[:columns]) for line in lines)
    steps = read_steps(text.encode(), "here.csv")
    assert steps["X"] == pytest.approx([0.1, 0.2])
    assert steps["wall_clock"][0] == (5.0 if columns == 19 else 0.0)
    assert steps["episode_status"].tolist() == ["in_progress"] * 2
    assert steps["all_wheels_on_track"].all() and not steps["done"].any()


def test_continuous_actions_have_no_number() -> None:
    trace = format_csv([row(0, 1, action="[-12.345678901234567 1.2345678901234567]"), row(0, 2, action=4)])
    assert read_steps(trace, "here.csv")["action"].tolist() == [CONTINUOUS, 4]


def test_steps_from_rows_are_those_of_the_file() -> None:
    rows = drive(3, 6, "crashed")
    assert np.array_equal(read_steps(format_csv(rows), "here.csv"), steps_of(rows))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace("0.2,", "nonsense,", 1), "0-iteration.csv:3 is broken"),
        (lambda text: text.replace("True", "Yes"), "0-iteration.csv:2 is broken"),
        (lambda text: text[:-30], "0-iteration.csv:5 is broken"),
        (lambda text: text.replace("progress", "advance"), "lacks the columns progress"),
    ],
    ids=["number", "flag", "cut off", "column"],
)
def test_a_broken_trace_is_named_with_its_line(tmp_path: Path, change: object, message: str) -> None:
    text = change(format_csv(drive(0)).decode())  # type: ignore[operator]
    recording = open_folder(write(tmp_path, {"training-simtrace/0-iteration.csv": text.encode()}))
    with pytest.raises(DrError, match=message):
        recording.episodes()


def test_each_worker_has_a_folder(tmp_path: Path) -> None:
    files = {
        f"{worker}/training-simtrace/{iteration}-iteration.csv": format_csv(drive(iteration))
        for worker in (0, 1)
        for iteration in (0, 10, 2)
    }
    names = [episode.name for episode in open_folder(write(tmp_path, files)).episodes()]
    assert names == ["0-0-0", "0-1-0", "2-0-2", "2-1-2", "10-0-10", "10-1-10"]


def test_the_metrics_of_workers_are_one_list_with_iterations(tmp_path: Path) -> None:
    first = [training_row(1, 1, 10), training_row(2, 2, 20), training_row(2, 2, 40, "evaluation")]
    rows = {
        "TrainingMetrics.json": [*first, training_row(1, 3, 50)],
        "TrainingMetrics_1.json": [training_row(1, 1, 30)],
    }
    write(tmp_path, {f"metrics/{name}": json.dumps({"metrics": own}).encode() for name, own in rows.items()})
    recording = open_folder(tmp_path)
    assert [(each.iteration, each.worker) for each in recording.training] == [(0, 0)] * 3 + [(0, 1), (1, 0)]
    curve = recording.curve
    assert [(point.iteration, point.episodes, point.progress) for point in curve.points] == [
        (0, 3, 20),
        (1, 4, 50),
    ]
    assert curve.points[1].steps == 120  # 4 episodes of 2 s
    (evaluation,) = curve.evaluations
    assert (evaluation.progress, evaluation.reward, evaluation.laps_s) == (40, 80, ())


def test_a_curve_that_was_recorded_is_the_curve(tmp_path: Path) -> None:
    curve = LearningCurve([LearningPoint("teacher", 0, 900, 10, 5.0, 1.0, 2.0)])
    write(tmp_path, {"metrics/learning.jsonl": curve.to_jsonl()})
    assert open_folder(tmp_path).curve == curve


def evaluation_files(stamp: str) -> dict[str, bytes]:
    trials = [
        {"completion_percentage": 100, "elapsed_time_in_milliseconds": 12345, "episode_status": "In progress",
         "off_track_count": 1, "reset_count": 1, "trial": 1}
    ]  # fmt: skip
    facts = {"world_name": "reinvent_base", "race_type": "TIME_TRIAL", "checkpoint": "3_Step-9.ckpt"}
    rows = [*drive(0, 5)[:3], row(0, 4, "off_track"), row(0, 5, "pause"), row(0, 6, "lap_complete")]
    return {
        f"metrics/evaluation/evaluation-{stamp}.json": json.dumps({"metrics": trials}).encode(),
        f"evaluation-{stamp}/evaluation.json": json.dumps(facts).encode(),
        f"evaluation-{stamp}/evaluation-simtrace/0-iteration.csv": format_csv(rows),
    }


def test_an_evaluation_is_the_consoles_table(tmp_path: Path) -> None:
    (evaluation,) = open_folder(write(tmp_path, evaluation_files("20260203040506"))).evaluations
    assert (evaluation.checkpoint, evaluation.world_name) == ("3_Step-9.ckpt", "reinvent_base")
    assert evaluation.started.isoformat() == "2026-02-03T04:05:06"
    (trial,) = evaluation.trials
    assert (trial.time_s, trial.status, trial.off_track, trial.crashed) == (12.345, "Lap complete", 1, 0)
    assert trial.penalty_s == pytest.approx(1 / 15)


def test_without_metrics_the_trace_tells_the_trials(tmp_path: Path) -> None:
    files = evaluation_files("20260203040506")
    del files["metrics/evaluation/evaluation-20260203040506.json"]
    (trial,) = open_folder(write(tmp_path, files)).evaluations[0].trials
    assert (trial.status, trial.resets, trial.off_track) == ("Lap complete", 1, 1)
    assert trial.time_s == pytest.approx(6 / 15)


def test_the_track_is_that_of_the_training(tmp_path: Path) -> None:
    files = {"training_params.yaml": b"WORLD_NAME: arctic_open_cw", "training-simtrace/0-iteration.csv": b""}
    assert open_folder(write(tmp_path, files)).world_name == "arctic_open_cw"


def test_a_track_that_no_document_names_is_found_by_its_length_and_place(tmp_path: Path) -> None:
    trace = format_csv([row(0, 1, X=3.1, Y=0.7, closest_waypoint=0), *drive(0)[1:]])
    write(tmp_path, {"training-simtrace/0-iteration.csv": trace})
    assert open_folder(tmp_path).world_name == "reinvent_base"
    elsewhere = format_csv([row(0, 1, X=-9.0, Y=9.0, closest_waypoint=0)])
    write(tmp_path, {"training-simtrace/0-iteration.csv": elsewhere})
    assert open_folder(tmp_path).world_name is None


def test_an_archive_reads_like_the_folder(tmp_path: Path) -> None:
    archive = tmp_path / "left.tar.gz"
    with tarfile.open(archive, "w:gz") as out:
        for name, content in evaluation_files("20260203040506").items():
            info = tarfile.TarInfo(f"./somewhere/{name}")
            info.size = len(content)
            out.addfile(info, io.BytesIO(content))
    with opened(Settings(), Workspace(tmp_path / "none"), str(archive)) as recording:
        assert recording.name == "left"
        assert len(recording.episodes("evaluation")) == 1


def test_a_single_trace_is_a_recording(tmp_path: Path) -> None:
    file = write(tmp_path, {"some.csv": format_csv(drive(0))}) / "some.csv"
    with opened(Settings(), Workspace(tmp_path / "none"), str(file)) as recording:
        assert len(recording.episodes()) + len(recording.episodes("evaluation")) == 1


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="was not found"), opened(Settings(), Workspace(tmp_path), "./none"):
        pass
    with pytest.raises(DrError, match="neither simtraces nor metrics"):
        open_folder(tmp_path)


def test_a_file_is_read_once_until_it_changes(tmp_path: Path) -> None:
    cache, key, calls = TraceCache(most_steps=10), ("a", "b", "1"), []

    def read(steps: int = 6) -> tuple[object, ...]:
        calls.append(steps)
        return tuple(episodes_in(steps_of(drive(0, steps))))

    assert cache.get(key, read) is cache.get(key, read)  # type: ignore[arg-type]
    cache.get(("a", "b", "2"), read)  # type: ignore[arg-type]
    cache.get(key, read)  # type: ignore[arg-type]
    assert len(calls) == 3  # the first was dropped: both have 12 steps


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "world", "episodes", "laps", "iterations"),
    [
        ("console-2020-reInvent2019_track", "reInvent2019_track", 240, 44, 13),
        ("drfc-2022-reinvent_base", "reinvent_base", 540, 42, 28),
        ("droa-2026-reinvent_base", "reinvent_base", 940, 22, 48),
    ],
)
def test_the_communitys_recordings(
    tmp_path: Path, name: str, world: str, episodes: int, laps: int, iterations: int
) -> None:
    if not SHARED.is_dir():
        pytest.skip("the recordings of others are not here")
    with opened(Settings(), Workspace(tmp_path), str(SHARED / f"{name}.tar.gz")) as recording:
        found = recording.episodes()
        assert recording.world_name == world
        assert (len(found), sum(each.is_lap for each in found)) == (episodes, laps)
        assert all(each.is_whole for each in found)
        assert len(recording.curve.points) == iterations
        driven = [each.episode for each in recording.training if not each.is_evaluation]
        rewards = [(row.reward_score, each.total_reward) for row, each in zip(driven, found, strict=False)]
        assert all(abs(one - other) <= 0.51 for one, other in rewards[:400])
