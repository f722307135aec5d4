"""The camera against rays cast one by one, and the ground against areas computed by hand."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest

from drcli.sim.car_dynamics import new_cars, put
from drcli.sim.constants import EDGE_LINE_M, CameraParams, Palette, grey, palette_of
from drcli.sim.field import Field
from drcli.sim.sensors.ground_raster import Ground, draw_ground
from drcli.sim.sensors.pinhole_camera import View, render, view_of
from drcli.sim.surroundings import Surroundings, surroundings_of
from drcli.sim.track import Track

CAMERA, PALETTE = CameraParams(), Palette()
ROAD, EDGE, DASH, FIELD = map(grey, PALETTE)
PLAIN = Surroundings(sheen=0.0)
EAST, NORTH, WEST, SOUTH = PLAIN.walls
HALL = Field(-2.0, -2.0, 8.0, 6.0)
FAR = Field(-1e4, -1e4, 1e4, 1e4)
Pose = tuple[float, float, float]


def view(ground: Ground, field: Field = FAR, look: Surroundings = PLAIN) -> View:
    return view_of(CAMERA, ground, field, look)


def seen_by(view: View, *poses: Pose) -> npt.NDArray[np.uint8]:
    cars, images = new_cars(len(poses)), np.zeros((len(poses), 120, 160), np.uint8)
    for k, pose in enumerate(poses):
        put(cars, k, *pose)
    render(view, cars, np.ones(len(poses), np.bool_), images)
    return images


def seen_from(ground: Ground, *poses: Pose) -> npt.NDArray[np.uint8]:
    return seen_by(view(ground), *poses)


def level(ground: Ground, n: int) -> npt.NDArray[np.uint8]:
    size = ground.columns[n] * ground.rows[n]
    return ground.pixels[ground.first[n] :][:size].reshape(ground.rows[n], ground.columns[n])


def grey_at(ground: Ground, x: float, y: float) -> int:
    row, column = int((y - ground.y_m) / ground.pixel_m), int((x - ground.x_m) / ground.pixel_m)
    return int(level(ground, 0)[row, column])


def supersampled(ground: Ground, pose: Pose, rays: int = 8) -> npt.NDArray[np.float64]:
    """Rows below the horizon, each pixel the mean of `rays` x `rays` rays through the pinhole."""
    x, y, heading = pose
    right, down = np.meshgrid(
        (np.arange(160 * rays) + 0.5) / rays - 80, (np.arange(120 * rays) + 0.5) / rays - 60
    )
    ahead = np.full_like(right, CAMERA.focal_px)
    sin, cos = math.sin(CAMERA.pitch_rad), math.cos(CAMERA.pitch_rad)
    ahead, down = ahead * cos - down * sin, ahead * sin + down * cos
    scale = CAMERA.height_m / np.where(down > 0.0, down, np.nan)
    forward, left = CAMERA.forward_m + ahead * scale, -right * scale
    i = (x + forward * math.cos(heading) - left * math.sin(heading) - ground.x_m) / ground.pixel_m
    j = (y + forward * math.sin(heading) + left * math.cos(heading) - ground.y_m) / ground.pixel_m
    i = np.clip(np.nan_to_num(i), 0, ground.columns[0] - 1).astype(int)
    j = np.clip(np.nan_to_num(j), 0, ground.rows[0] - 1).astype(int)
    return np.asarray(level(ground, 0)[j, i].reshape(120, rays, 160, rays).mean(axis=(1, 3)))


def test_colours_turn_to_the_grey_of_simapp() -> None:
    assert (ROAD, EDGE, DASH, FIELD) == (63, 222, 151, 123)
    assert palette_of("reinvent_base").road == (40, 53, 64)
    assert palette_of("2022_june_pro_cw") == PALETTE


def test_the_ground_has_strips_inside_the_borders_and_dashes_on_the_centre(block: Track) -> None:
    ground = draw_ground(block, PALETTE)
    assert [grey_at(ground, 3.0, y) for y in (0.52, 0.48, 0.44, 0.40)] == [FIELD, EDGE, EDGE, ROAD]
    assert [grey_at(ground, 3.0, y) for y in (-0.52, -0.48, -0.44, -0.40)] == [FIELD, EDGE, EDGE, ROAD]
    assert grey_at(ground, 3.0, 2.0) == grey_at(ground, -0.8, -0.8) == FIELD

    # Corners of the inner border stay field, those of the outer border are painted.
    assert [grey_at(ground, x, 0.45) for x in (0.45, 0.55)] == [EDGE, EDGE]
    assert grey_at(ground, -0.45, -0.45) == EDGE

    share = (level(ground, 0) == FIELD).mean()
    columns, rows = ground.columns[0] * 0.01, ground.rows[0] * 0.01
    assert share == pytest.approx(1.0 - (7 * 5 - 5 * 3) / (columns * rows), abs=0.01)

    # Half of the centre line is dash: the mean over 3 m of a line 1 cm off it says so.
    row = int((0.005 - ground.y_m) / 0.01)
    first = int((1.5 - ground.x_m) / 0.01)
    assert level(ground, 0)[row, first : first + 300].mean() == pytest.approx((ROAD + DASH) / 2, abs=3.0)


def test_an_open_road_has_no_strip_across_its_ends() -> None:
    x = np.linspace(0.0, 5.0, 11)
    lines = [np.column_stack([x, np.full_like(x, y)]) for y in (0.0, 0.5, -0.5)]
    ground = draw_ground(Track("road", *lines), PALETTE)
    assert [grey_at(ground, x, 0.3) for x in (-0.02, 0.02, 2.0, 4.98, 5.02)] == [
        FIELD,
        ROAD,
        ROAD,
        ROAD,
        FIELD,
    ]


def test_mip_levels_are_means_of_the_ground(block: Track) -> None:
    ground = draw_ground(block, PALETTE)
    fine = level(ground, 0).astype(float)
    for n in range(1, len(ground.first)):
        size = 1 << n
        means = fine.reshape(ground.rows[n], size, ground.columns[n], size).mean(axis=(1, 3))
        assert np.abs(level(ground, n) - means).max() <= 1.0


def test_a_car_on_a_straight_sees_the_strips_where_the_pinhole_puts_them(block: Track) -> None:
    image = seen_from(draw_ground(block, PALETTE), (1.0, 0.0, 0.0))[0]
    assert (image[:29] == PLAIN.sky).all()
    for row in (36, 40, 44):
        tangent = (row + 0.5 - 60.0) / CAMERA.focal_px
        fall = math.sin(CAMERA.pitch_rad) + tangent * math.cos(CAMERA.pitch_rad)
        offset_px = (0.5 - EDGE_LINE_M / 2) * fall / CAMERA.height_m * CAMERA.focal_px
        for column in (80 - offset_px, 80 + offset_px):
            assert image[row, int(column)] > 150
            assert (image[row, [int(column) - 8, int(column) + 8]] < 140).all()


def test_left_of_the_car_is_left_in_the_image(block: Track) -> None:
    ground = draw_ground(block, PALETTE)
    near_inner, near_outer = seen_from(ground, (2.0, 0.3, 0.0), (2.0, -0.3, 0.0))
    for image, side in ((near_inner, slice(0, 80)), (near_outer, slice(80, 160))):
        bright = image[60] > 180
        assert bright[side].any()
        assert bright.sum() == bright[side].sum()


def test_far_beyond_the_raster_there_is_field(block: Track) -> None:
    image = seen_from(draw_ground(block, PALETTE), (-0.9, -0.9, -2.4), (60.0, -40.0, 1.0))
    assert (image[:, 30:] == FIELD).all()


def look_up(field: Field, pose: Pose, column: float, row: float) -> tuple[int, float]:
    """The wall that a ray through a point of the picture meets, and at what height (m)."""
    x, y, heading = pose
    x, y = x + CAMERA.forward_m * math.cos(heading), y + CAMERA.forward_m * math.sin(heading)
    right, down = column - 80.0, row - 60.0
    sin, cos = math.sin(CAMERA.pitch_rad), math.cos(CAMERA.pitch_rad)
    ahead, up = CAMERA.focal_px * cos - down * sin, -CAMERA.focal_px * sin - down * cos
    dx = ahead * math.cos(heading) + right * math.sin(heading)
    dy = ahead * math.sin(heading) - right * math.cos(heading)
    gaps = (
        (field.x_high_m - x, dx),
        (field.y_high_m - y, dy),
        (x - field.x_low_m, -dx),
        (y - field.y_low_m, -dy),
    )
    reach, wall = min((gap / along, wall) for wall, (gap, along) in enumerate(gaps) if along > 1e-9)
    return wall, CAMERA.height_m + up * reach


def test_walls_stand_where_rays_meet_them(block: Track) -> None:
    """Every ray through a pixel's corners, one by one, against the lines of the kernel; edges and corners of the ring
    may be a pixel off."""
    world = view(draw_ground(block, PALETTE), HALL)
    rng = np.random.default_rng(3)
    for pose in [
        (1.0, 0.0, 0.0),
        (5.5, 3.0, 1.9),
        *(tuple(rng.uniform((-1, -1, -3), (7, 5, 3))) for _ in range(8)),
    ]:
        image, wrong = seen_by(world, pose)[0], 0
        for row, column in [(r, c) for r in range(0, 60, 3) for c in range(1, 160, 5)]:
            met = [look_up(HALL, pose, column + 0.5, row + 0.5 + off) for off in (-0.6, 0.6)]
            wall = met[0][0]
            if all(height > 1.0 for _, height in met):
                assert image[row, column] == PLAIN.sky
            elif all(0.0 < height < 1.0 for _, height in met):
                wrong += image[row, column] != PLAIN.walls[wall]
            elif all(height < 0.0 for _, height in met):
                assert image[row, column] in range(ROAD, EDGE + 1)
        assert wrong <= 6  # a corner of the ring is drawn upright


def test_sides_of_the_ring_have_their_greys(block: Track) -> None:
    world = view(draw_ground(block, PALETTE), HALL)
    images = seen_by(world, *((3.0, 2.0, turn * math.pi / 2) for turn in range(4)))
    assert images[:, 25, 80].tolist() == [EAST, NORTH, WEST, SOUTH]


def test_worlds_without_walls_are_uniform_above_the_field(block: Track) -> None:
    look = surroundings_of("reInvent2019_track")
    image = seen_by(view(draw_ground(block, PALETTE), HALL, look), (1.0, 0.0, 0.0))[0]
    assert (image[:29] == 84).all()


def test_the_road_shines_toward_the_sun_and_the_field_does_not(block: Track) -> None:
    """The sun stands at -11° from the x axis; the car looks along the road there, and back."""
    bright = view(draw_ground(block, PALETTE), FAR, Surroundings())
    there, back = (seen_by(bright, pose)[0] for pose in ((1.0, 0.0, 0.0), (5.0, 0.0, math.pi)))
    road = slice(70, 110), slice(40, 60)
    assert (back[road] == ROAD).all()
    assert (there[road] >= ROAD + 5).all()
    assert (seen_by(bright, (3.0, 2.0, 0.0))[0][80:] == FIELD).all()


def test_grain_is_a_share_of_the_grey(block: Track) -> None:
    plain, grained = (level(draw_ground(block, PALETTE, grain=grain), 0) for grain in (0.0, 0.05))
    for tone in (ROAD, FIELD, EDGE):
        values = grained[plain == tone].astype(float)
        assert values.mean() == pytest.approx(tone, abs=0.5)
        assert values.std() == pytest.approx(0.05 * tone, rel=0.1)


@pytest.mark.slow
def test_frames_are_close_to_supersampled_ones(ring: Track) -> None:
    """8 x 8 rays a pixel on a ground of 2.5 mm, against one lookup on a ground of 1 cm."""
    rng = np.random.default_rng(5)
    fine, ground = draw_ground(ring, PALETTE, pixel_m=0.0025), draw_ground(ring, PALETTE)
    errors = []
    for share in np.arange(0.0, 1.0, 0.2):
        x, y, heading = ring.pose_at(share)
        pose = x + rng.normal(0.0, 0.1), y + rng.normal(0.0, 0.1), heading + rng.normal(0.0, 0.2)
        errors.append(seen_from(ground, pose)[0, 31:] - supersampled(fine, pose)[31:])
    error = np.stack(errors)
    rms, far = np.sqrt((error**2).mean()), np.sqrt((error[:, :23] ** 2).mean())
    print(f"RMSE {rms:.2f} grey levels, far rows {far:.2f}")
    assert rms < 8.0
    assert far < 12.0
    assert abs(error.mean()) < 0.5


def test_kernel_equals_python(ring: Track) -> None:
    world = view(draw_ground(ring, PALETTE), Field(-3.0, -3.0, 3.0, 3.0), Surroundings())
    image = seen_by(world, (2.0, 0.1, 1.5))
    cars, same = new_cars(1), np.zeros((1, 120, 160), np.uint8)
    put(cars, 0, 2.0, 0.1, 1.5)
    render.py_func(world, cars, np.array([True]), same)
    assert (image == same).all()
