"""The lidar against lines cut one by one, what models see of it, its rate and its noise."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest

from drcli.config.model_metadata import LidarConfig
from drcli.config.race_settings import RaceSettings
from drcli.sim.boxes import Boxes, new_boxes
from drcli.sim.car_dynamics import new_cars, put
from drcli.sim.constants import LidarParams
from drcli.sim.field import Field, field_of
from drcli.sim.sensors.lidar import LIDAR, SECTOR_LIDAR, Sectors
from drcli.sim.sensors.lidar_kernel import scan
from drcli.sim.sensors.picture_styles import noise_values
from drcli.sim.sensors.sensor import sensor_spec, sensor_type
from drcli.sim.track import Track
from drcli.sim.world import World

EXACT = LidarParams(noise_m=0.0, resolution_m=1e-9)
FIELD = Field(-1.0, -2.0, 7.0, 6.0)
FAR = sensor_spec(
    "DISCRETIZED_SECTOR_LIDAR", LidarConfig(num_sectors=32, num_values_per_sector=200, clipping_dist=12)
)
Array = npt.NDArray[np.float64]
Pose = tuple[float, float, float]


def boxes_at(*places: Pose, height_m: float = 0.25) -> Boxes:
    """Of 0.4 m x 0.3 m for one car, at x, y, heading."""
    boxes = new_boxes(1, len(places))
    for field, size in ((boxes.length_m, 0.4), (boxes.width_m, 0.3), (boxes.height_m, height_m)):
        field[:] = size
    for box, place in enumerate(places):
        boxes.x_m[0, box], boxes.y_m[0, box], boxes.heading_rad[0, box] = place
    return boxes


def measured(
    pose: Pose, boxes: Boxes | None = None, lidar: LidarParams = EXACT, seed: int = 0, count: int = 0
) -> Array:
    cars, distances = new_cars(1), np.zeros((1, lidar.rays))
    put(cars, 0, *pose)
    draws = noise_values(), np.array([seed]), np.array([count])
    scan(
        lidar,
        FIELD,
        new_boxes(1, 0) if boxes is None else boxes,
        cars,
        draws,
        np.ones(1, np.bool_),
        distances,
    )
    return distances[0]


def corners(x: float, y: float, heading: float, length: float, width: float) -> Array:
    sides = np.array([(1, 1), (-1, 1), (-1, -1), (1, -1)]) * (length / 2, width / 2)
    cos, sin = math.cos(heading), math.sin(heading)
    return sides @ np.array([(cos, sin), (-sin, cos)]) + (x, y)


def cut(start: Array, way: Array, one: Array, other: Array) -> float:
    """How far along a ray it cuts a line between two points; infinite if it does not."""
    matrix = np.column_stack((way, one - other))
    if abs(np.linalg.det(matrix)) < 1e-12:
        return math.inf
    along, share = np.linalg.solve(matrix, one - start)
    return float(along) if along >= 0.0 and 0.0 <= share <= 1.0 else math.inf


def reference(pose: Pose, boxes: Boxes) -> list[float]:
    x, y, heading = pose
    start = np.array([x + 0.02913 * math.cos(heading), y + 0.02913 * math.sin(heading)])
    rings = [np.array([(-1.0, -2.0), (7.0, -2.0), (7.0, 6.0), (-1.0, 6.0)])]
    rings += [
        corners(*place, 0.4, 0.3)
        for place in zip(boxes.x_m[0], boxes.y_m[0], boxes.heading_rad[0], strict=True)
        if not math.isnan(place[0])
    ]
    distances = []
    for angle in np.linspace(-2.61799, 2.61799, 64):
        turn = heading + math.pi + angle
        way = np.array([math.cos(turn), math.sin(turn)])
        cuts = [cut(start, way, ring[i], ring[(i + 1) % 4]) for ring in rings for i in range(4)]
        distances.append(min(max(min(cuts), 0.15), 12.0))
    return distances


def test_rays_end_at_the_first_line_that_they_cut() -> None:
    rng = np.random.default_rng(4)
    nearest = []
    for _ in range(8):
        pose = rng.uniform(0.0, 5.0), rng.uniform(0.0, 5.0), rng.uniform(-4.0, 4.0)
        places = [(rng.uniform(-1, 7), rng.uniform(-2, 6), rng.uniform(-4, 4)) for _ in range(6)]
        boxes = boxes_at(*[place for place in places if math.dist(place[:2], pose[:2]) > 0.4])
        distances = measured(pose, boxes)
        np.testing.assert_allclose(distances, reference(pose, boxes), atol=1e-6)
        nearest.append(distances.min())
    assert min(nearest) < 1.0 < max(nearest)


def test_three_rays_to_the_sides_and_to_the_rear() -> None:
    three = EXACT._replace(rays=3, half_view_rad=math.pi / 2)
    np.testing.assert_allclose(measured((2.0, 1.0, 0.0), lidar=three), [5.0, 3.02913, 3.0])
    np.testing.assert_allclose(measured((2.0, 1.0, math.pi / 2), lidar=three), [3.0, 3.02913, 5.0])


def test_it_does_not_see_what_is_in_front() -> None:
    free = measured((2.0, 1.0, 0.0))
    np.testing.assert_array_equal(measured((2.0, 1.0, 0.0), boxes_at((3.0, 1.0, 0.0))), free)
    behind = measured((2.0, 1.0, 0.0), boxes_at((1.0, 1.0, 0.0)))
    assert behind.min() == pytest.approx(0.82913, abs=1e-3)
    assert {31, 32} <= set(np.flatnonzero(behind < free))
    left = np.flatnonzero(measured((2.0, 1.0, 0.0), boxes_at((2.0, 1.6, 0.0))) < free)
    assert left.max() < 20


def test_what_is_lower_or_not_placed_is_overlooked() -> None:
    free = measured((2.0, 1.0, 0.0))
    for boxes in (boxes_at((1.0, 1.0, 0.0), height_m=0.18), boxes_at((math.nan, math.nan, 0.0))):
        np.testing.assert_array_equal(measured((2.0, 1.0, 0.0), boxes), free)


def test_distances_have_limits() -> None:
    assert (measured((2.0, 1.0, 0.3), boxes_at((2.02913, 1.0, 0.0))) == 0.15).all()
    assert (measured((2.0, 1.0, 0.3), lidar=EXACT._replace(farthest_m=0.4)) == 0.4).all()
    assert (measured((60.0, 60.0, math.pi / 4 + math.pi)) == 12.0).all()


def test_noise_is_that_of_the_sensor() -> None:
    exact = measured((2.0, 1.0, 0.0))
    errors = np.array([measured((2.0, 1.0, 0.0), None, LidarParams(), 5, n) - exact for n in range(200)])
    np.testing.assert_allclose(errors + exact, np.round(errors + exact, 2), atol=1e-9)
    assert errors.std() == pytest.approx(math.hypot(0.01, 0.01 / math.sqrt(12)), rel=0.05)
    assert abs(errors.mean()) < 0.001
    assert len(np.unique(errors, axis=0)) > 190
    again = measured((2.0, 1.0, 0.0), None, LidarParams(), 5, 17)
    np.testing.assert_array_equal(again - exact, errors[17])
    assert (measured((2.0, 1.0, 0.0), None, LidarParams(), 6, 17) != again).any()


def test_kernel_equals_python() -> None:
    pose, boxes = (3.0, 1.0, 0.7), boxes_at((2.0, 1.5, 0.4))
    cars, distances = new_cars(1), np.zeros((1, 64))
    put(cars, 0, *pose)
    draws = noise_values(), np.array([12]), np.array([3])
    scan.py_func(LidarParams(), FIELD, boxes, cars, draws, np.ones(1, np.bool_), distances)
    np.testing.assert_array_equal(measured(pose, boxes, LidarParams(), 12, 3), distances[0])


# --------------------------------------------------------------------------------------- what models see of it


def one_hot(distances: Array, sectors: int, values: int, clipping_m: float) -> list[float]:
    """As simapp does, sector by sector."""
    row: list[float] = []
    for rays in np.split(distances, sectors):
        nearest = math.floor(min(float(rays.min()), clipping_m) / (clipping_m / values))
        row += [float(value == nearest) for value in range(values)]
    return row


@pytest.mark.parametrize(
    ("sectors", "values", "clipping_m"), [(8, 8, 2.0), (1, 3, 0.15), (64, 1, 12.0), (16, 5, 3.3)]
)
def test_sectors_say_in_which_range_the_nearest_thing_is(
    sectors: int, values: int, clipping_m: float
) -> None:
    config = LidarConfig(num_sectors=sectors, num_values_per_sector=values, clipping_dist=clipping_m)
    spec = sensor_spec("DISCRETIZED_SECTOR_LIDAR", config)
    assert spec.shape == (sectors * values,)
    kind = sensor_type(spec)
    assert isinstance(kind, Sectors)
    distances = np.random.default_rng(1).uniform(0.15, 3.0, (20, 64)) ** 2
    distances[0], distances[1] = 12.0, clipping_m
    seen = kind.reading(distances)
    assert seen.tolist() == [one_hot(row, sectors, values, clipping_m) for row in distances]
    assert not seen[:2].any()
    assert (kind.mirrored(seen) == kind.reading(distances[:, ::-1])).all()
    assert kind.reading(distances[:0]).shape == (0, *spec.shape)


def test_a_sector_lidar_says_whether_something_is_within_half_a_metre() -> None:
    distances = np.full((1, 64), 12.0)
    distances[0, [3, 63]], distances[0, 20] = 0.49, 0.51
    assert SECTOR_LIDAR.reading(distances).tolist() == [[1, 0, 0, 0, 0, 0, 0, 1]]
    assert sensor_spec("SECTOR_LIDAR").shape == (8,)
    assert sensor_spec("SECTOR_LIDAR", LidarConfig(num_sectors=2)) == sensor_spec("SECTOR_LIDAR")


def test_specs_without_a_configuration_have_the_default() -> None:
    assert sensor_spec("DISCRETIZED_SECTOR_LIDAR").shape == (64,)
    assert sensor_spec("DISCRETIZED_SECTOR_LIDAR") == sensor_spec("DISCRETIZED_SECTOR_LIDAR", LidarConfig())
    assert sensor_spec("LIDAR")[:2] == ("LIDAR", (64,))


# ------------------------------------------------------------------------------------------------- in a world


def test_a_wall_near_the_car_is_seen(block: Track) -> None:
    """1.3 m beyond the centre line; the car stands there and looks along it."""
    world = World(block, RaceSettings(), 1, sensors=["LIDAR", "SECTOR_LIDAR"], record=False)
    world.reset()
    field = field_of(block)
    world.step([[0.0, 0.1]])
    put(world.cars, 0, 3.0, field.y_low_m + 0.4, 0.0)
    seen = world.step([[0.0, 0.1]]).obs
    rays = seen["LIDAR"][0]
    bearing = np.pi + np.linspace(-2.61799, 2.61799, 64)
    expected = np.clip(
        np.where(np.sin(bearing) < -1e-6, 0.4 / -np.minimum(np.sin(bearing), -1e-6), 9.0), 0.15, 1.0
    )
    np.testing.assert_allclose(rays, expected, atol=0.06)
    assert 0.3 < rays.min() < 0.5 < 0.9 < rays.max()
    assert seen["SECTOR_LIDAR"][0].tolist() == (rays.reshape(8, 8).min(1) < 0.5).tolist()
    assert (LIDAR.mirrored(rays)[::-1] == rays).all()


def test_worlds_without_walls_have_none_for_the_lidar(block: Track) -> None:
    """As in the camera's pictures."""
    for name, is_walled in (("reinvent_base", True), ("Monaco", False)):
        world = World(Track.from_rows(name, block.rows), RaceSettings(), 1, sensors=[FAR], record=False)
        assert world.reset()[FAR.name].any() == is_walled


def drive(world: World, steps: int) -> list[Array]:
    """What is seen at each step, from the first one on."""
    actions = [[3.0, 1.0]] * world.num_envs
    seen = [world.reset(seed=3)[FAR.name]]
    return seen + [world.step(actions).obs[FAR.name] for _ in range(steps)]


def test_every_third_step_sees_the_last_scan(ring: Track) -> None:
    seen = drive(World(ring, RaceSettings(), 2, sensors=[FAR], record=False), 12)
    for car in range(2):
        is_old = [bool((now[car] == before[car]).all()) for before, now in pairwise(seen)]
        assert is_old == [True, False, False] * 4


def test_noise_does_not_depend_on_the_number_of_cars(ring: Track) -> None:
    many = drive(World(ring, RaceSettings(), 5, sensors=[FAR], record=False), 7)
    alone = World(ring, RaceSettings(), 1, sensors=[FAR], record=False)
    alone.next_episode = 3
    for one, others in zip(drive(alone, 7), many, strict=True):
        np.testing.assert_array_equal(one[0], others[3])
    other = World(ring, RaceSettings(change_start_position=False), 2, sensors=[FAR], record=False)
    first, second = other.reset(seed=3)[FAR.name]
    assert (first != second).any(), "episodes have their own noise"
    assert (other.reset(seed=4)[FAR.name][0] != first).any()


def test_a_car_that_is_put_back_has_a_new_scan(block: Track) -> None:
    race = RaceSettings(number_of_resets=9, off_track_penalty_s=0.0)
    world = World(block, race, 1, sensors=[FAR], record=False)
    before = world.reset()[FAR.name]
    resets = 0
    for _ in range(300):
        now = world.step([[30.0, 3.0]]).obs[FAR.name]
        if world.referee.counts.resets[0] > resets:
            assert (now != before).any()
            resets += 1
        before = now
    assert resets >= 3
