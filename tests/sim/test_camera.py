"""The camera against rays cast one by one, and the ground against areas computed by hand."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest

from drcli.sim.car_dynamics import new_cars, put
from drcli.sim.constants import EDGE_LINE_M, CameraParams, Palette, grey, palette_of
from drcli.sim.sensors.ground_raster import Ground, draw_ground
from drcli.sim.sensors.pinhole_camera import render, row_program
from drcli.sim.track import Track

CAMERA, PALETTE = CameraParams(), Palette()
ROAD, EDGE, DASH, FIELD, SKY = map(grey, PALETTE)
Pose = tuple[float, float, float]


def seen_from(ground: Ground, *poses: Pose) -> npt.NDArray[np.uint8]:
    cars, images = new_cars(len(poses)), np.zeros((len(poses), 120, 160), np.uint8)
    for k, pose in enumerate(poses):
        put(cars, k, *pose)
    render(ground, row_program(CAMERA, ground), cars, np.ones(len(poses), np.bool_), images)
    return images


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
    assert palette_of("reinvent_base").road == (36, 49, 64)
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
    assert (image[:26] == SKY).all()
    for row in (33, 37, 41):
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
    assert (image[:, 27:] == FIELD).all()


@pytest.mark.slow
def test_frames_are_close_to_supersampled_ones(ring: Track) -> None:
    """8 x 8 rays a pixel on a ground of 2.5 mm, against one lookup on a ground of 1 cm."""
    rng = np.random.default_rng(5)
    fine, ground = draw_ground(ring, PALETTE, pixel_m=0.0025), draw_ground(ring, PALETTE)
    errors = []
    for share in np.arange(0.0, 1.0, 0.2):
        x, y, heading = ring.pose_at(share)
        pose = x + rng.normal(0.0, 0.1), y + rng.normal(0.0, 0.1), heading + rng.normal(0.0, 0.2)
        errors.append(seen_from(ground, pose)[0, 27:] - supersampled(fine, pose)[27:])
    error = np.stack(errors)
    rms, far = np.sqrt((error**2).mean()), np.sqrt((error[:, :23] ** 2).mean())
    print(f"RMSE {rms:.2f} grey levels, far rows {far:.2f}")
    assert rms < 8.0
    assert far < 12.0
    assert abs(error.mean()) < 0.5


def test_kernel_equals_python(ring: Track) -> None:
    ground = draw_ground(ring, PALETTE)
    image = seen_from(ground, (2.0, 0.1, 1.5))
    cars, same = new_cars(1), np.zeros((1, 120, 160), np.uint8)
    put(cars, 0, 2.0, 0.1, 1.5)
    render.py_func(ground, row_program(CAMERA, ground), cars, np.array([True]), same)
    assert (image == same).all()
