"""Randomised pictures: repeatable, different from episode to episode, and the road stays visible."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest

from drcli.config.race_settings import RaceSettings
from drcli.config.run_params import EvaluationParams, TrainingParams
from drcli.errors import UsageError
from drcli.sim.sensors import picture_styles as styled
from drcli.sim.sensors.floor_patterns import floor_patterns
from drcli.sim.sensors.lens import lens_tables
from drcli.sim.sensors.panoramas import panoramas
from drcli.sim.sensors.picture_styles import draw_style, new_styles, noise_values, plain_of
from drcli.sim.styling import EPISODES_SHARE
from drcli.sim.track import Track
from drcli.sim.world import World

CAMERA = "FRONT_FACING_CAMERA"
OFF, ON = RaceSettings(), RaceSettings(randomised_pictures=True)
Pictures = npt.NDArray[np.uint8]


def pictures(track: Track, settings: RaceSettings, cars: int, *, seed: int = 1, episode: int = 0) -> Pictures:
    """What the cars see at their starts, from an episode on."""
    world = World(track, settings, cars, seed=seed)
    world.next_episode = episode
    return world.reset()[CAMERA]


def test_documents_switch_them_on() -> None:
    common = "WORLD_NAME: w\nMETRICS_S3_OBJECT_KEY: k\n"
    training = (
        common + "SAGEMAKER_SHARED_S3_PREFIX: p\nMODEL_METADATA_FILE_S3_KEY: m\nREWARD_FILE_S3_KEY: r\n"
    )
    evaluation = common + "JOB_TYPE: EVALUATION\nMODEL_S3_PREFIX: [p]\n"
    for text, expected in (("", False), ("'True'", True), ("false", False)):
        line = f"ENABLE_DOMAIN_RANDOMIZATION: {text}\n"
        assert TrainingParams.parse(training + line).race.randomised_pictures is expected
        assert EvaluationParams.parse(evaluation + line).race.randomised_pictures is expected


def test_without_them_the_seed_does_not_matter(ring: Track) -> None:
    world = World(ring, OFF, 2)
    assert world.styles is None
    assert np.array_equal(pictures(ring, OFF, 2), pictures(ring, OFF, 2, seed=2))


def test_seed_and_episode_decide(ring: Track) -> None:
    at_one_place = RaceSettings(randomised_pictures=True, change_start_position=False)
    first = pictures(ring, at_one_place, 4)
    assert np.array_equal(first, pictures(ring, at_one_place, 4))
    assert not np.array_equal(first, pictures(ring, at_one_place, 4, seed=2))
    assert all(not np.array_equal(first[0], other) for other in first[1:])


def test_a_car_in_a_batch_sees_what_it_sees_alone(ring: Track) -> None:
    together = pictures(ring, ON, 6)
    for number in (0, 3, 5):
        assert np.array_equal(together[number], pictures(ring, ON, 1, episode=number)[0])


def test_an_episode_keeps_its_style_and_the_next_has_another(ring: Track) -> None:
    world = World(ring, ON, 1)
    world.reset()
    assert world.styles is not None
    style, last = world.styles.tone.copy(), None
    for _ in range(100):
        transition = world.step([(0.0, 2.0)])
        if transition.terminated.any():
            break
        assert last is None or not np.array_equal(transition.obs[CAMERA], last)
        assert np.array_equal(world.styles.tone, style)
        last = transition.obs[CAMERA]
    assert transition.terminated.any()
    assert not np.array_equal(world.styles.tone, style)


def test_the_road_stays_visible(ring: Track) -> None:
    """Mean brightness varies as between a dim and a bright room; most pictures of the ground show the road's edges."""
    clean, random = pictures(ring, OFF, 200)[:, 40:], pictures(ring, ON, 200)
    assert random.dtype == np.uint8
    means = random.mean(axis=(1, 2))
    assert 20.0 < means.std() < 60.0
    assert means.min() > 15.0
    assert means.max() < 245.0
    bright = clean > 180  # edge lines
    seen = [
        picture[40:][lines].mean() - picture[40:][~lines].mean()
        for picture, lines in zip(random, bright, strict=True)
        if lines.sum() > 200
    ]
    assert np.mean(np.array(seen) > 10.0) > 0.8  # in others the field is as bright


def styles_of(world: World, **values: float) -> styled.PictureStyles:
    """The styles of a world whose pictures are as they are without randomisation, but for `values`."""
    styles = world.styles
    assert styles is not None
    for k in range(world.num_envs):
        draw_style(styles, k, (1, k), plain_of("ring"), ())
    for field, value in zip(styles._fields, styles, strict=True):
        if field in values:
            value[:] = values[field]
    return styles


def test_the_horizon_moves_with_the_pitch(ring: Track) -> None:
    world = World(ring, ON, 3)
    world.reset()
    for array in world.styles or ():
        array[:] = 0
    styles = styles_of(world, sky=255.0, wall_height_m=0.0)
    styles.pitch_rad[:] = styled.PITCH_RAD[0], 0.0, styled.PITCH_RAD[1]
    seen = world._look(np.ones(3, np.bool_))[CAMERA]
    horizon = np.array([int((picture[:, 80] == 255).sum()) for picture in seen])
    assert np.diff(horizon) == pytest.approx([-4.4, -4.4], abs=1.8)  # where ground 2 m away ends


def test_without_any_part_pictures_are_nearly_the_clean_ones(ring: Track) -> None:
    """All that is missing is the sheen and the grain."""
    world = World(ring, ON, 4)
    world.reset()
    for array in world.styles or ():
        array[:] = 0
    styles_of(world)
    seen = world._look(np.ones(4, np.bool_))[CAMERA].astype(int)
    clean = pictures(ring, OFF, 4)
    assert np.median(np.abs(seen - clean)) <= 4
    assert np.corrcoef(seen.ravel(), clean.ravel())[0, 1] > 0.97


def test_only_the_parts_that_are_named_vary(ring: Track) -> None:
    def seen(parts: str, episode: int = 0) -> Pictures:
        at_one_place = RaceSettings(randomised_pictures=True, randomised=parts, change_start_position=False)
        return pictures(ring, at_one_place, 1, episode=episode)[0].astype(int)

    ground, walls = (np.abs(seen(part) - seen(part, episode=1)) for part in ("ground", "walls"))
    assert ground[60:].mean() > 3.0 and ground[:20].max() == 0
    assert walls[:20].mean() > 5.0 and walls[60:].max() == 0
    with pytest.raises(UsageError, match="RANDOMIZE names 'roof'"):
        seen("ground,roof")


def test_a_higher_camera_sees_farther_and_one_aside_sees_the_middle_aside(ring: Track) -> None:
    world = World(ring, ON, 3)
    world.reset()
    for array in world.styles or ():
        array[:] = 0
    styles = styles_of(world)
    pose = ring.pose_at(0.0)
    world.cars.x_m[:], world.cars.y_m[:], world.cars.heading_rad[:] = pose
    styles.raise_m[:] = 0.0, 0.05, 0.0
    styles.aside_m[:] = 0.0, 0.0, 0.05
    middle, higher, aside = world._look(np.ones(3, np.bool_))[CAMERA].astype(int)

    def road(picture: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        columns = np.flatnonzero(picture[60] > 180)  # edge lines
        return columns[[0, -1]]

    assert np.ptp(road(higher)) < np.ptp(road(middle))
    assert road(aside).mean() > road(middle).mean()


def test_a_lens_makes_the_middle_larger_and_keeps_the_sides() -> None:
    tables = lens_tables(120, 160)
    assert np.array_equal(tables[0], np.arange(120 * 160).reshape(120, 160))
    columns = tables[-1][60] % 160
    assert (columns[0], columns[-1]) == (0, 159)
    assert columns[100] - 80 == pytest.approx((100.5 - 80) / (1 + styled.LENS[1]), abs=1.5)
    assert np.array_equal(columns, (159 - tables[-1][60, ::-1] % 160))


def test_a_blob_is_bright_or_dark_and_stays_at_its_bearing(ring: Track) -> None:
    world = World(ring, ON, 3)
    world.reset()
    for array in world.styles or ():
        array[:] = 0
    styles = styles_of(world)
    world.cars.x_m[:], world.cars.y_m[:], _ = ring.pose_at(0.0)
    world.cars.heading_rad[:] = 0.5, 0.5, 0.4  # the last car has turned to the right
    styles.tone[:] = np.arange(256) / 2 + 64  # room for both
    everywhere = np.ones(3, np.bool_)
    before = world._look(everywhere)[CAMERA].astype(int)
    styles.glare[:, 0] = [
        (60.0, 0.5, 90.0, 8.0, 8.0),
        (-60.0, 0.5, 90.0, 8.0, 8.0),
        (60.0, 0.5, 90.0, 8.0, 8.0),
    ]
    change = world._look(everywhere)[CAMERA].astype(int) - before
    assert change[0, 90, 80] == pytest.approx(60, abs=3)
    assert np.abs(change[1] + change[0]).max() <= 1
    at = np.abs(change[2, 90]).argmax()
    assert at == pytest.approx(80 - 126 * np.tan(0.1), abs=3)  # to the left of the middle


def test_styles_can_change_within_an_episode(ring: Track) -> None:
    often = RaceSettings(randomised_pictures=True, restyled_steps=3)
    world, same = World(ring, often, 2), World(ring, often, 1)
    world.reset(), same.reset()
    tones = []
    for _ in range(9):
        world.step([(0.0, 1.0)] * 2)
        same.step([(0.0, 1.0)])
        assert world.styles is not None and same.styles is not None
        tones.append(world.styles.tone[0].copy())
        assert np.array_equal(tones[-1], same.styles.tone[0])  # alone or in a batch
    changes = [not np.array_equal(a, b) for a, b in pairwise(tones)]
    assert sum(changes) in (2, 3)


def test_other_sensors_see_as_before(ring: Track) -> None:
    sensors = ("ROAD_AHEAD", "CAR_MOTION")
    clean, random = (World(ring, settings, 3, sensors=sensors).reset() for settings in (OFF, ON))
    for name in sensors:
        assert np.array_equal(clean[name], random[name])


def test_styles_stay_within_their_ranges() -> None:
    styles = new_styles(500)
    for k in range(500):
        draw_style(styles, k, (9, k), plain_of("reinvent_base"))
    for values, (low, high) in (
        (styles.pitch_rad, styled.PITCH_RAD),
        (styles.raise_m, styled.RAISE_M),
        (styles.aside_m, styled.ASIDE_M),
        (styles.wall_height_m, styled.WALL_HEIGHT_M),
        (styles.vignette, styled.VIGNETTE),
        (styles.blur[:, 1], styled.BLUR),
        (styles.noise, styled.NOISE),
    ):
        assert low <= values.min() < low + 0.05 * (high - low)
        assert high - 0.05 * (high - low) < values.max() <= high
    assert (np.diff(styles.tone, axis=1) >= 0.0).all()
    assert set(styles.lens.tolist()) == set(range(styled.LENSES))
    assert styled.GLARE[0] <= styles.glare[..., 0].min() < 0.0 < styles.glare[..., 0].max() <= styled.GLARE[1]


def test_lines_stay_brighter_than_the_road_in_any_light() -> None:
    styles = new_styles(500)
    for k in range(500):
        draw_style(styles, k, (9, k), plain_of("reinvent_base"))
    shown = np.array([
        np.interp(greys[[styled.ROAD_CODE, styled.EDGE_CODE]], np.arange(256), tone)
        for greys, tone in zip(styles.ground, styles.tone, strict=True)
    ])  # fmt: skip
    assert np.diff(shown, axis=1).min() > styled.LEAST_CONTRAST - 6.0  # tones are rounded to whole greys
    field = [
        np.interp(greys[styled.FIELD_CODE], np.arange(256), tone)
        for greys, tone in zip(styles.ground, styles.tone, strict=True)
    ]
    assert np.abs(field - shown[:, 0]).min() > styled.LEAST_FIELD_CONTRAST - 6.0
    assert styles.tone[:, -1].min() >= styled.BRIGHTEST - 0.01


def test_episodes_of_evaluations_are_drawn_from_the_middle_of_the_ranges(ring: Track) -> None:
    pitches = {}
    for steps in (0, 1):
        race = RaceSettings(randomised_pictures=True, restyled_steps=steps)
        world = World(ring, race, 200)
        world.reset()
        assert world.styles is not None
        pitches[steps] = np.abs(world.styles.pitch_rad).max()
    assert pitches[0] == pytest.approx(EPISODES_SHARE * styled.PITCH_RAD[1], rel=0.05)
    assert pitches[1] == pytest.approx(styled.PITCH_RAD[1], rel=0.05)


def test_the_tables_are_what_they_are_said_to_be() -> None:
    assert noise_values().std() == pytest.approx(1.0, abs=0.02)
    for pattern in floor_patterns() / 32.0:
        assert pattern.std() == pytest.approx(1.0, abs=0.2)
        assert abs(pattern.mean()) < 0.1
    crowded = np.array([np.abs(panorama.astype(int)).mean() for panorama in panoramas()])
    assert crowded.min() < 15.0
    assert crowded.max() > 25.0
