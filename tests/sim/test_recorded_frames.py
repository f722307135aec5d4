"""The camera's pictures against recorded ones of Gazebo, on poses of the same drives. One of two runs was fitted to."""

from __future__ import annotations

import csv
import io
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from drcli.sim.catalogue import load_track
from drcli.sim.pose_files import pictures_at, read_poses

SHARED = Path(__file__).parents[3] / "shared"
FRAMES = SHARED / "frames" / "reinvent_base"
GROUND_FROM = 35  # rows
DARK_MIDDLE, MIDDLE_BRIGHT = 86, 158  # between road, field and lines
Pictures = npt.NDArray[np.int16]  # [N, 120, 160]

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not FRAMES.is_dir(), reason="../shared/frames is missing"),
]


@pytest.fixture(scope="module")
def both() -> dict[str, tuple[Pictures, Pictures]]:
    """Recorded pictures and ours of the same poses, by run; while a car is put back, its picture does not match."""
    with (FRAMES / "poses.csv").open() as file:
        rows = list(csv.DictReader(file))
    kept = [n for n, row in enumerate(rows) if row["episode_status"] == "in_progress"]
    with tarfile.open(FRAMES / "frames.tar") as archive:
        recorded = np.stack([picture(archive, rows[n]["frame"]) for n in kept])
    poses = read_poses(FRAMES / "poses.csv")
    track = load_track("reinvent_base", SHARED / "tracks", "")
    ours = np.stack(list(pictures_at(track, [poses[n] for n in kept]))).astype(np.int16)
    runs = np.array([rows[n]["frame"].split("/")[0] for n in kept])
    return {run: (recorded[runs == run], ours[runs == run]) for run in ("run_1", "run_2")}


def picture(archive: tarfile.TarFile, name: str) -> Any:
    member = archive.extractfile(name)
    assert member is not None
    return np.array(Image.open(io.BytesIO(member.read())).convert("L"), np.int16)


@pytest.mark.parametrize("run", ["run_1", "run_2"])
def test_grey_levels_are_as_recorded(both: dict[str, tuple[Pictures, Pictures]], run: str) -> None:
    recorded, ours = both[run]
    difference = np.abs(recorded - ours)
    print(f"{run}: median {np.median(difference)}, mean {difference.mean():.1f} grey levels")
    assert np.median(difference) <= 3.0
    assert difference.mean() <= 6.0


@pytest.mark.parametrize("run", ["run_1", "run_2"])
def test_the_ground_is_where_it_was(both: dict[str, tuple[Pictures, Pictures]], run: str) -> None:
    recorded, ours = (pictures[:, GROUND_FROM:] for pictures in both[run])
    alike = np.corrcoef(recorded.ravel(), ours.ravel())[0, 1]
    bins = [DARK_MIDDLE, MIDDLE_BRIGHT]
    wrong = (np.digitize(recorded, bins) != np.digitize(ours, bins)).mean()
    print(f"{run}: correlation {alike:.3f}, classes wrong {100 * wrong:.1f} %")
    assert alike >= 0.95
    assert wrong <= 0.05


@pytest.mark.parametrize("run", ["run_1", "run_2"])
def test_walls_and_sky_are_as_recorded(both: dict[str, tuple[Pictures, Pictures]], run: str) -> None:
    recorded, ours = (pictures[:, :26] for pictures in both[run])
    for bright in (recorded > 150, ours > 150):
        assert 0.03 < bright.mean() < 0.12
    assert ((recorded > 150) != (ours > 150)).mean() < 0.02
    assert (np.abs(recorded - ours) <= 4).mean() > 0.95
