"""Randomised pictures: repeatable, different from episode to episode, and the road stays visible."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from drcli.config.race_settings import RaceSettings
from drcli.config.run_params import EvaluationParams, TrainingParams
from drcli.sim.sensors.picture_styles import (
    NOISE,
    PITCH_RAD,
    SPOTS,
    draw_style,
    new_styles,
    noise_values,
    spots_pattern,
)
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
    """Mean brightness varies by about as much as between a dim and a bright room; rows below are road and field."""
    clean, random = pictures(ring, OFF, 200)[:, 30:], pictures(ring, ON, 200)
    assert random.dtype == np.uint8
    means = random.mean(axis=(1, 2))
    assert 15.0 < means.std() < 45.0
    assert means.min() > 15.0
    assert means.max() < 240.0
    alike = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(clean, random[:, 30:], strict=True)]
    assert min(alike) > 0.15
    assert np.median(alike) > 0.65


def test_the_horizon_moves_with_the_pitch(ring: Track) -> None:
    world = World(ring, ON, 3)
    world.reset()
    styles = world.styles
    assert styles is not None
    styles.pitch_rad[:] = PITCH_RAD[0], 0.0, PITCH_RAD[1]
    styles.noise[:], styles.blur[:], styles.spots[:], styles.wall_height_rad[:] = 0.0, 0.0, 0.0, 0.0
    styles.tone[:], styles.sky[:] = np.arange(256), 255
    seen = world._look(np.ones(3, np.bool_))[CAMERA]
    horizon = [int((picture[:, 80] == 255).sum()) for picture in seen]
    assert horizon == pytest.approx([29 + 3, 29, 29 - 3], abs=1)


def test_other_sensors_see_as_before(ring: Track) -> None:
    sensors = ("ROAD_AHEAD", "CAR_MOTION")
    clean, random = (World(ring, settings, 3, sensors=sensors).reset() for settings in (OFF, ON))
    for name in sensors:
        assert np.array_equal(clean[name], random[name])


def test_styles_stay_within_their_ranges() -> None:
    styles = new_styles(500)
    for k in range(500):
        draw_style(styles, k, 9, k)
    for values, (low, high) in (
        (styles.pitch_rad, PITCH_RAD),
        (styles.noise, NOISE),
        (styles.spots, SPOTS),
    ):
        assert low <= values.min() < low + 0.05 * (high - low)
        assert high - 0.05 * (high - low) < values.max() <= high
    assert (np.diff(styles.tone, axis=1) >= 0.0).all()
    assert (styles.tone[:, 222] - styles.tone[:, 63]).min() > 40.0  # edge lines on the road


def test_the_tables_are_what_they_are_said_to_be() -> None:
    assert noise_values().std() == pytest.approx(1.0, abs=0.02)
    assert (spots_pattern() / 32.0).std() == pytest.approx(1.0, abs=0.05)
