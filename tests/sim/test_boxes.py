"""What a race puts on the road: what the camera shows of it, and the way of a race through the world."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from drcli.config.race_settings import RaceSettings
from drcli.contract.episode import Status
from drcli.sim.boxes import Boxes, new_boxes
from drcli.sim.car_dynamics import new_cars, put
from drcli.sim.constants import CameraParams
from drcli.sim.sensors.box_drawing import Mounts, draw_boxes, draw_boxes_mounted
from drcli.sim.track import Track
from drcli.sim.world import World
from drcli.tables import RACES

pytestmark = pytest.mark.slow  # the kernels of boxes, which a time trial does not use, are compiled first

CAMERA = "FRONT_FACING_CAMERA"
PARAMS = CameraParams()
EMPTY, TOP = 200, 100
QUARTERS = (0.0, math.pi / 2, math.pi, -math.pi / 2)
SHADED = 36  # away from the sun: 0.5 of the light, of 0.5 + 0.9 / 1.0344 on the top
TOYS = Path(__file__).parents[1] / "toys"


def boxes_at(*places: tuple[float, float, float]) -> Boxes:
    """Boxes of 0.4 m x 0.3 m x 0.25 m for one car, at x, y, heading."""
    boxes = new_boxes(1, len(places))
    for field, size in (
        (boxes.length_m, 0.4),
        (boxes.width_m, 0.3),
        (boxes.height_m, 0.25),
        (boxes.grey, TOP),
    ):
        field[:] = size
    for box, place in enumerate(places):
        boxes.x_m[0, box], boxes.y_m[0, box], boxes.heading_rad[0, box] = place
    return boxes


def seen(boxes: Boxes, pose: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> npt.NDArray[np.uint8]:
    cars, images = new_cars(1), np.full((1, 120, 160), EMPTY, np.uint8)
    put(cars, 0, *pose)
    draw_boxes(PARAMS, boxes, cars, np.ones(1, np.bool_), images)
    return images[0]


def shade(normal_rad: float) -> int:
    """The grey of a side with that outward normal in the world."""
    facing = (0.5 * math.cos(normal_rad) - 0.1 * math.sin(normal_rad)) / math.sqrt(1.07)
    return int(TOP * (0.5 + max(facing, 0.0)) / (0.5 + 0.9 / math.sqrt(1.07)))


def row_column(ahead_m: float, left_m: float, up_m: float) -> tuple[float, float]:
    """Where the pinhole sees a point, from the camera's own place on the car."""
    sin, cos = math.sin(PARAMS.pitch_rad), math.cos(PARAMS.pitch_rad)
    ahead, up = ahead_m - PARAMS.forward_m, up_m - PARAMS.height_m
    depth = ahead * cos - up * sin
    return 60 - PARAMS.focal_px * (ahead * sin + up * cos) / depth, 80 - PARAMS.focal_px * left_m / depth


def test_a_box_ahead_is_where_the_pinhole_puts_it() -> None:
    """Its front is 1 m ahead, 30 cm wide and 25 cm tall, taller than the camera: no top."""
    image = seen(boxes_at((1.2, 0.0, 0.0)))
    bottom, _ = row_column(1.0, 0.15, 0.0)
    top, left = row_column(1.0, 0.15, 0.25)  # where it is nearest to the tilted camera
    right = 160 - left
    rows, columns = np.nonzero(image != EMPTY)
    assert (rows.min(), rows.max()) == (round(top), round(bottom) - 1)
    assert abs(columns.min() - left) <= 1.0 and abs(columns.max() + 1 - right) <= 1.0
    front = image[image != EMPTY]
    assert set(front.tolist()) == {SHADED}, "one face, darker than the top"


def test_a_low_box_shows_its_top_and_a_turned_one_two_sides() -> None:
    flat = boxes_at((1.2, 0.0, 0.0))
    flat.height_m[:] = 0.05
    assert set(seen(flat).ravel().tolist()) == {EMPTY, TOP, SHADED}
    turned = set(seen(boxes_at((-1.2, 0.0, 0.7)), (0.0, 0.0, math.pi)).ravel().tolist())
    assert turned == {EMPTY, shade(0.7), shade(0.7 - math.pi / 2)}
    assert len(turned) == 3


def test_the_sun_stands_in_the_world_not_beside_the_car() -> None:
    """The same box from the same place ahead, in four directions."""
    fronts = {}
    for heading in QUARTERS:
        place = 1.2 * math.cos(heading), 1.2 * math.sin(heading), heading
        image = seen(boxes_at(place), (0.0, 0.0, heading))
        (fronts[heading],) = set(image.ravel().tolist()) - {EMPTY}
        assert fronts[heading] == shade(heading + math.pi), "its back looks at the car"
    assert fronts[math.pi] == 71 and len(set(fronts.values())) == 3


def test_a_car_is_seen_as_wheels_shell_and_cabin() -> None:
    car = boxes_at((1.0, 0.0, math.pi))
    car.length_m[:], car.width_m[:], car.height_m[:], car.is_car[:] = 0.324, 0.196, 0.23, True
    car.grey[:] = 200
    image = seen(car)
    column = image[:, 80]
    greys = [int(grey) for grey, before in zip(column[1:], column, strict=False) if grey != before]
    share = 0.5 / (0.5 + 0.9 / math.sqrt(1.07))
    assert greys == [int(120 * share), int(200 * share), int(36 * share), EMPTY], "from the top down"
    widths = [int((image == grey).any(axis=0).sum()) for grey in greys[:3]]
    assert widths[0] < widths[1] < widths[2]


def test_the_nearer_box_hides_the_farther_one() -> None:
    boxes = boxes_at((1.0, 0.0, 0.0), (2.0, 0.0, 0.0), (1.5, 0.0, 0.0))
    boxes.grey[0] = 100, 20, 40
    one = seen(boxes)
    only = boxes_at((1.0, 0.0, 0.0))
    hidden = seen(only) != EMPTY
    assert (one[hidden] == seen(only)[hidden]).all()


def test_what_is_behind_beside_or_nowhere_is_not_seen() -> None:
    nowhere = new_boxes(1, 1)
    for boxes in (nowhere, boxes_at((-1.0, 0.0, 0.0)), boxes_at((0.3, 3.0, 0.0))):
        assert (seen(boxes) == EMPTY).all()


def test_a_box_at_the_nose_fills_the_picture_and_breaks_nothing() -> None:
    for x in np.arange(0.1, 0.6, 0.01):
        image = seen(boxes_at((float(x), 0.05, 0.3)))
        assert set(image.ravel().tolist()) <= {EMPTY, TOP, *(shade(0.3 + turn) for turn in QUARTERS)}
    assert (seen(boxes_at((0.40, 0.0, 0.0))) != EMPTY).mean() > 0.9


def test_left_is_left_and_the_cars_heading_counts() -> None:
    image = seen(boxes_at((0.0, 1.2, 0.0)), (0.3, 0.0, math.pi / 2))
    columns = np.nonzero(image != EMPTY)[1]
    assert columns.size and columns.max() < 80


def test_compiled_and_plain_python_agree() -> None:
    boxes, cars, image = boxes_at((0.9, 0.2, 0.4)), new_cars(1), np.full((1, 120, 160), EMPTY, np.uint8)
    draw_boxes.py_func(PARAMS, boxes, cars, np.ones(1, np.bool_), image)
    assert (image[0] == seen(boxes)).all()


@pytest.fixture
def one_box(monkeypatch: pytest.MonkeyPatch) -> str:
    """The race of tests/toys: a box in the road, BOX_AHEAD of the start."""
    monkeypatch.syspath_prepend(TOYS)
    monkeypatch.setitem(RACES.members, "ONE_BOX_HERE", "one_box:OneBox")  # type: ignore[arg-type]
    return "ONE_BOX_HERE"


def drive(world: World, steps: int) -> tuple[list[Any], list[npt.NDArray[np.uint8]]]:
    episodes, pictures = [], []
    for _ in range(steps):
        now = world.step(np.full((world.num_envs, 2), (0.0, 1.0)))
        episodes += now.episodes
        pictures.append(now.obs[CAMERA])
    return episodes, pictures


def test_a_race_brings_its_box_its_fault_and_its_params(block: Track, one_box: str) -> None:
    settings = RaceSettings(race_type=one_box, change_start_position=False, own={"BOX_AHEAD": "0.1"})
    world = World(block, settings, 2)
    plain = World(block, RaceSettings(change_start_position=False), 2)
    with_box, without = world.reset()[CAMERA], plain.reset()[CAMERA]
    assert (with_box != without).any(), "the box is in the picture"
    episodes, _ = drive(world, 30)
    assert {episode.status for episode in episodes} == {Status.CRASHED}
    assert 5.0 < episodes[0].progress < 10.0
    assert episodes[0].rows[-1].obstacle_crash_counter == 1
    assert [lap.crash_count for lap in episodes[0].laps] == [1]


def test_a_crash_costs_what_the_race_says(block: Track, one_box: str) -> None:
    settings = RaceSettings(
        race_type=one_box,
        change_start_position=False,
        number_of_resets=1,
        collision_penalty_s=1.0,
        own={"BOX_AHEAD": "0.1"},
    )
    world = World(block, settings, 1)
    world.reset()
    (episode, *_), _ = drive(world, 35)
    statuses = [row.episode_status for row in episode.rows]
    assert (statuses.count("pause"), statuses.count("crashed"), episode.status) == (15, 2, Status.CRASHED)
    assert [row.pause_duration for row in episode.rows if row.episode_status == "crashed"] == [1.0, 0.0]
    assert episode.rows[-1].obstacle_crash_counter == 2


def test_the_mount_of_a_camera_moves_what_it_sees_of_a_box() -> None:
    boxes, cars = boxes_at((1.5, 0.0, 0.0)), new_cars(1)
    put(cars, 0, 0.0, 0.0, 0.0)

    def mounted(pitch: float = 0.0, higher: float = 0.0, aside: float = 0.0) -> np.ndarray:
        images = np.full((1, 120, 160), EMPTY, np.uint8)
        mounts = Mounts(*(np.array([part]) for part in (pitch, higher, aside)))
        draw_boxes_mounted(PARAMS, mounts, boxes, cars, np.ones(1, np.bool_), images)
        return images[0] != EMPTY

    def top(picture: np.ndarray) -> int:
        return int(picture.any(axis=1).argmax())

    usual = mounted()
    assert np.array_equal(usual, seen(boxes) != EMPTY)
    assert top(usual) - top(mounted(pitch=0.02)) in (2, 3)
    foot = [119 - top(picture[::-1]) for picture in (usual, mounted(higher=0.03))]
    assert foot[1] - foot[0] in (2, 3, 4)  # of a box that is 1.25 m away
    left = [int(picture.any(axis=0).argmax()) for picture in (usual, mounted(aside=0.03))]
    assert left[1] - left[0] in (2, 3, 4)
