"""Poses in CSV files: which columns count, what is refused, and how a drive is taken back."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from drcli.config.race_settings import RaceSettings
from drcli.errors import DrError
from drcli.sim.constants import NOSE_M
from drcli.sim.pose_files import parse_pose, pictures_at, read_poses
from drcli.sim.track import Track
from drcli.sim.world import World

DRIVE = """steps,X,Y,yaw,tstamp
1,0.0,0.0,170.0,10.0
2,0.1,0.0,-170.0,10.1
3,0.2,0.1,-150.0,10.2
1,5.0,5.0,0.0,10.3
2,5.0,5.0,0.0,99.0
3,6.0,5.0,0.0,
"""


def file(folder: Path, text: str) -> Path:
    path = folder / "poses.csv"
    path.write_text(text)
    return path


def test_columns_are_found_by_name_and_others_ignored(tmp_path: Path) -> None:
    path = file(tmp_path, "note, yaw,Y,X\nhere,90,2.5,-1\n,-45.5,0,1e-2\n")
    assert read_poses(path) == [(-1.0, 2.5, math.radians(90.0)), (0.01, 0.0, math.radians(-45.5))]


def test_a_drive_is_taken_back_along_its_way(tmp_path: Path) -> None:
    """Across ±180° the short way; put elsewhere, it is still where it was; if the time is unknown, it stays."""
    path = file(tmp_path, DRIVE)
    poses = np.array(read_poses(path, delay_s=0.05))
    assert poses[:, 0] == pytest.approx([0.0, 0.05, 0.15, 0.2, 5.0, 6.0])
    assert poses[:, 1] == pytest.approx([0.0, 0.0, 0.05, 0.1, 5.0, 5.0])
    assert np.degrees(poses[:, 2]) % 360.0 == pytest.approx([170.0, 180.0, 200.0, 210.0, 0.0, 0.0])
    exact = np.array(read_poses(path, delay_s=0.0))
    assert exact[:, 0] == pytest.approx([0.0, 0.1, 0.2, 5.0, 5.0, 6.0])


def test_a_car_that_was_put_elsewhere_is_still_seen_where_it_was(tmp_path: Path) -> None:
    path = file(tmp_path, "X,Y,yaw,tstamp\n0,0,0,1.0\n0.1,0,0,1.1\n0.1,0.6,90,1.2\n")
    poses = read_poses(path, delay_s=0.05)
    assert poses[1:] == [pytest.approx((0.05, 0.0, 0.0)), (0.1, 0.0, 0.0)]
    assert read_poses(path, delay_s=0.0)[2] == pytest.approx((0.1, 0.6, math.pi / 2))


def test_without_times_rows_that_lie_like_steps_are_steps(tmp_path: Path) -> None:
    drive = "X,Y,yaw\n" + "".join(f"{0.1 * n},0,0\n" for n in range(6))
    poses = np.array(read_poses(file(tmp_path, drive), delay_s=1 / 30))
    assert poses[:, 0] == pytest.approx([0.0, 0.05, 0.15, 0.25, 0.35, 0.45])
    for row in ("0.6,0.2,90", "0,0,180", "0.8,0,0"):
        apart = read_poses(file(tmp_path, f"X,Y,yaw\n0.5,0,0\n{row}\n"))
        assert apart[1][:2] == tuple(map(float, row.split(",")[:2]))


def test_a_row_that_is_alone_is_taken_back_by_its_commands(tmp_path: Path) -> None:
    path = file(tmp_path, "X,Y,yaw,steer,throttle\n0,0,90,0,2\n3,0,0,20,1\n")
    (x, y, heading), (_, _, turned) = read_poses(path, delay_s=0.1)
    assert (x, y, heading) == pytest.approx((0.0, -0.2, math.pi / 2))
    assert turned == pytest.approx(-0.1 * math.tan(math.radians(20.0)) / 0.223, rel=0.1)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("X,Y\n1,2\n", ("lacks the column yaw",)),
        ("x,y,yaw\n1,2,3\n", ("lacks the columns X, Y",)),
        ("", ("lacks the columns X, Y, yaw",)),
        ("X,Y,yaw\n", ("has no poses",)),
        ("X,Y,yaw\n1,2,3\n1,two,3\n", ("poses.csv, line 3", "Y is 'two'")),
        ("X,Y,yaw\n1,2\n", ("poses.csv, line 2", "yaw is empty")),
        ("X,Y,yaw\n1,nan,3\n", ("poses.csv, line 2", "Y is 'nan'")),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, text: str, words: tuple[str, ...]) -> None:
    with pytest.raises(DrError) as caught:
        read_poses(file(tmp_path, text))
    assert all(word in str(caught.value) for word in words)


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DrError, match=r"Cannot read .*none\.csv"):
        read_poses(tmp_path / "none.csv")


def test_a_pose_has_three_numbers() -> None:
    assert parse_pose("1, -2.5,180") == (1.0, -2.5, math.pi)
    for text in ("1,2", "1,2,3,4", "1,2,x", "1,2,inf", ""):
        with pytest.raises(ValueError):
            parse_pose(text)


def test_pictures_are_what_cars_see_there(ring: Track) -> None:
    world = World(ring, RaceSettings(), 40)
    seen = world.reset()["FRONT_FACING_CAMERA"]
    cars = world.cars
    noses = [
        (x + NOSE_M * math.cos(heading), y + NOSE_M * math.sin(heading), heading)
        for x, y, heading in zip(cars.x_m, cars.y_m, cars.heading_rad, strict=True)
    ]
    drawn = np.stack(list(pictures_at(ring, noses)))
    assert (drawn != seen).mean() < 1e-4  # the nose and back differ by rounding
