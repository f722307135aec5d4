"""Recorded laps are paid as they were when they were driven."""

from __future__ import annotations

import tarfile
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest

from drcli.config.race_settings import RaceSettings
from drcli.contract.episode import Episode
from drcli.errors import DrError
from drcli.rewards.recorded_drives import Trace, recorded_drives, traces_in
from drcli.sim.reward import RewardFunction
from drcli.sim.track import Track
from drcli.sim.world import World
from drcli.store.simtrace import format_csv

SOURCE = """
import time
started = time.time()
def reward_function(params):
    behind, ahead = (params["waypoints"][i] for i in params["closest_waypoints"])
    pose = params["x"] + 2 * params["y"] + params["heading"] / 100 + params["distance_from_center"]
    place = params["progress"] + params["projection_distance"] + behind[0] + ahead[1] + params["track_width"]
    flags = params["all_wheels_on_track"] + 2 * params["is_left_of_center"] + 4 * params["is_offtrack"]
    action = params["speed"] + params["steering_angle"] / 30 + 8 * params["is_reversed"]
    return pose + place + flags + action + params["steps"] / 10 + time.time() - started
"""
SHARED = Path(__file__).parents[3] / "shared" / "traces"


def reward() -> RewardFunction:
    return RewardFunction(SOURCE, "reward.py")


def driven(track: Track, is_reversed: bool = False) -> list[Episode]:
    """A lap from the middle, and a drive off the road."""
    settings = RaceSettings(start_position_offset=0.3, reverse_dir=is_reversed)
    world = World(track, settings, 2, sensors=(), reward=reward())
    world.reset(episodes_per_car=[1, 1])
    side = -1.0 if is_reversed else 1.0
    episodes: list[Episode] = []
    while world.active.any():
        episodes += world.step([(6.3 * side, 2.0), (0.0, 2.0)]).episodes
    return sorted(episodes, key=lambda episode: not episode.is_lap)


@pytest.mark.parametrize("is_reversed", [False, True], ids=["as drawn", "reversed"])
def test_they_earn_the_same_again(ring: Track, is_reversed: bool) -> None:
    episodes = driven(ring, is_reversed)
    trace = Trace("0-iteration.csv", format_csv(row for episode in episodes for row in episode.rows))
    again = recorded_drives([trace], ring, reward())
    assert [drive.status for drive in again] == ["lap_complete", "off_track"]
    for drive, episode in zip(again, episodes, strict=True):
        rows = episode.rows[1:]
        assert drive.progress == pytest.approx([row.progress for row in rows], abs=1e-6)
        # The clock of a record begins with its second row; when it began is not recorded.
        assert drive.rewards - drive.rewards[0] == pytest.approx(
            [row.reward - rows[0].reward for row in rows], abs=1e-6
        )
        assert drive.time_s == pytest.approx(episode.end_time_s - episode.start_time_s)


def test_files_folders_and_archives(tmp_path: Path, ring: Track) -> None:
    content = format_csv(driven(ring)[0].rows)
    folder = tmp_path / "model" / "training-simtrace"
    folder.mkdir(parents=True)
    (folder / "3-iteration.csv").write_bytes(content)
    (folder / "other.csv").write_text("a,b\n")
    (folder.parent / "notes.csv").write_text("a,b\n")
    archive = tmp_path / "training.tar.gz"
    with tarfile.open(archive, "w:gz") as file:
        info = tarfile.TarInfo("sim-trace/training/3-iteration.csv")
        info.size = len(content)
        file.addfile(info, BytesIO(content))
    (folder / "other.csv").unlink()
    for path in (folder / "3-iteration.csv", tmp_path / "model", archive):
        (drive,) = recorded_drives(traces_in(path), ring, reward())
        assert drive.name == "episode 0 of 3-iteration"


def test_what_cannot_be_ranked_is_told(tmp_path: Path, ring: Track, block: Track) -> None:
    trace = Trace("0-iteration.csv", format_csv(driven(ring)[0].rows))
    with pytest.raises(DrError, match=r"recorded on a track of 12\.\d\d m; block has 20\.00 m"):
        recorded_drives([trace], block, reward())
    with pytest.raises(DrError, match="no simtraces"):
        traces_in(tmp_path)
    with pytest.raises(DrError, match="cannot be read"):
        traces_in(tmp_path / "none.csv")
    (tmp_path / "bad.tar.gz").write_bytes(b"no archive")
    with pytest.raises(DrError, match="cannot be read"):
        traces_in(tmp_path / "bad.tar.gz")


def test_of_many_some_are_chosen(ring: Track) -> None:
    lap, out = driven(ring)
    rows = [row._replace(episode=number) for number in range(20) for row in (lap if number % 2 else out).rows]
    found = recorded_drives([Trace("0-iteration.csv", format_csv(rows))], ring, reward(), most=8)
    assert sorted(drive.status for drive in found) == ["lap_complete"] * 6 + ["off_track"] * 2


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.is_dir(), reason="needs ../shared")
def test_recorded_progress_of_a_community_job_is_measured_again() -> None:
    from drcli.sim.catalogue import read_route

    track = read_route(SHARED.parent / "tracks" / "reinvent_base.npy")
    trace = traces_in(SHARED / "droa-2026-reinvent_base.tar.gz")[-1:]
    drives = recorded_drives(trace, track, reward(), 4)
    assert drives
    for drive in drives:
        assert np.isfinite(drive.rewards).all()
        assert (np.diff(drive.progress) > -1.0).all()
