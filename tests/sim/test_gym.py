"""The simulator as Gymnasium sees it: its own checker, and what its words promise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from drcli.config.model_metadata import LidarConfig
from drcli.config.race_settings import RaceSettings
from drcli.errors import DrError
from drcli.sim.sensors.sensor import sensor_spec
from drcli.sim.track import Track

gymnasium = pytest.importorskip("gymnasium", reason='gymnasium is missing: pip install "drcli[gym]"')
from gymnasium.utils.env_checker import check_env  # noqa: E402

from drcli.sim.gym import ENV_ID, DeepRacerEnv, DeepRacerVectorEnv  # noqa: E402

SECTORS = sensor_spec("DISCRETIZED_SECTOR_LIDAR", LidarConfig(num_sectors=16, num_values_per_sector=3))
ACTIONS = [(-20.0, 1.0), (0.0, 1.5), (20.0, 1.0)]
FIXED = RaceSettings(change_start_position=False)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"actions": ACTIONS},
        {"sensors": ("observation", "FRONT_FACING_CAMERA")},
        {"sensors": ("STEREO_CAMERAS",)},
    ],
)
def test_gymnasiums_checker_has_nothing_to_say(options: dict[str, Any]) -> None:
    """Its warnings are errors here."""
    check_env(gymnasium.make(f"drcli.sim.gym:{ENV_ID}", **options).unwrapped)


def test_an_environment_is_one_track() -> None:
    with pytest.raises(DrError, match="unknown world 'drcli_oval,drcli_wide'"):
        DeepRacerEnv("drcli_oval,drcli_wide", ACTIONS)


def test_sensors_are_chosen_and_configured(block: Track) -> None:
    env = DeepRacerVectorEnv(2, block, ACTIONS, sensors=("STEREO_CAMERAS", SECTORS, "LIDAR"))
    obs, _ = env.reset()
    assert {name: values.shape for name, values in obs.items()} == {
        "STEREO_CAMERAS": (2, 120, 160, 2),
        SECTORS.name: (2, 48),
        "LIDAR": (2, 64),
    }
    assert env.observation_space.contains(obs)
    shown = DeepRacerEnv(block, ACTIONS, sensors=(SECTORS,), render_mode="rgb_array")
    shown.reset()
    picture = shown.render()
    assert picture is not None and picture.std() > 10


def test_the_picture_can_be_rendered(block: Track) -> None:
    env = DeepRacerEnv(block, ACTIONS, render_mode="rgb_array")
    obs, _ = env.reset()
    picture = env.render()
    assert picture is not None and picture.shape == (120, 160, 3)
    assert (picture == obs).all()


def test_an_episode_ends_with_what_it_came_to_and_the_last_picture(block: Track) -> None:
    env = DeepRacerEnv(block, ACTIONS, settings=FIXED)
    first, info = env.reset()
    assert info == {"progress": pytest.approx(100 * 0.14 / 20)}
    for _ in range(300):
        obs, reward, terminated, truncated, info = env.step(1)
        if terminated:
            break
        assert set(info) == {"progress"}
    assert (info["status"], truncated, reward) == ("off_track", False, pytest.approx(1e-3))
    assert info["time_s"] > 4.0 and info["reward"] > 10.0
    assert (obs != first).any(), "not that of the next start"
    again, _ = env.reset()
    assert (again == first).all()


def test_a_seed_brings_back_the_first_episode(ring: Track) -> None:
    env = DeepRacerEnv(ring, ACTIONS)
    first, _ = env.reset(seed=5)
    second, _ = env.reset()
    assert (first != second).any(), "the start moves on"
    assert (env.reset(seed=5)[0] == first).all()


def test_numbers_stand_for_the_whole_range_of_the_car(ring: Track) -> None:
    seen: list[dict[str, Any]] = []

    def reward(params: dict[str, Any]) -> float:
        seen.append(params)
        return 0.25

    env = DeepRacerEnv(ring, reward=reward)
    env.reset()
    assert env.step(np.array([-1.0, -1.0], np.float32))[1] == 0.25
    env.step(np.array([1.0, 1.0], np.float32))
    asked = [(params["steering_angle"], params["speed"]) for params in seen]
    assert asked == [(-30.0, pytest.approx(0.1)), (30.0, 4.0)]


def test_a_reward_function_can_be_a_file(ring: Track, tmp_path: Path) -> None:
    path = tmp_path / "reward_function.py"
    path.write_text("def reward_function(params):\n    return params['steps'] * 10\n")
    env = DeepRacerEnv(ring, ACTIONS, path)
    env.reset()
    assert [env.step(1)[1] for _ in range(2)] == [20.0, 30.0]


def test_many_cars_drive_as_single_ones_do(ring: Track) -> None:
    many = DeepRacerVectorEnv(3, ring, ACTIONS, settings=FIXED)
    alone = [DeepRacerEnv(ring, ACTIONS, settings=FIXED) for _ in range(3)]
    rng = np.random.default_rng(2)
    seen, _ = many.reset(seed=1)
    assert seen.shape == (3, 120, 160, 1) and many.observation_space.contains(seen)
    for k, env in enumerate(alone):
        assert (env.reset(seed=1)[0] == seen[k]).all()
    ends = 0
    for _ in range(60):
        actions = rng.integers(0, 3, 3)
        seen, rewards, terminated, truncated, infos = many.step(actions)
        for k, env in enumerate(alone):
            obs, reward, done, _, info = env.step(actions[k])
            assert (reward, done) == (rewards[k], terminated[k])
            if done:
                ends += 1
                assert (infos["final_obs"][k] == obs).all()
                assert infos["final_info"]["status"][k] == info["status"]
                assert infos["final_info"]["progress"][k] == info["progress"]
                obs, info = env.reset()
            assert (seen[k] == obs).all()
            assert infos["progress"][k] == pytest.approx(info["progress"])
        assert not truncated.any()
    assert ends > 3


def test_a_vector_environment_can_be_made_by_name() -> None:
    envs = gymnasium.make_vec(f"drcli.sim.gym:{ENV_ID}", num_envs=2, actions=ACTIONS)
    assert envs.num_envs == 2
    assert envs.metadata["autoreset_mode"] is gymnasium.vector.AutoresetMode.SAME_STEP
    envs.reset(seed=0)
    envs.step(envs.action_space.sample())
    envs.close()
