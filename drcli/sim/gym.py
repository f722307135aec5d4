"""The simulator as Gymnasium environments, for users who need nothing else of drcli: `pip install "drcli[gym]"`.

`DeepRacerEnv` is one car, `DeepRacerVectorEnv` many in lockstep. See docs/gymnasium.md.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv

from drcli.config.race_settings import RaceSettings
from drcli.contract.episode import Episode
from drcli.sim.catalogue import load_track, read_route
from drcli.sim.constants import MAX_SPEED_MPS, MAX_STEERING_DEG, MIN_SPEED_MPS, STEPS_PER_SECOND
from drcli.sim.reward import RewardFunction
from drcli.sim.reward_params import Params
from drcli.sim.sensors.sensor import Observations, SensorSpec, sensor_specs
from drcli.sim.step_rewards import CarReward, RewardSource
from drcli.sim.track import Track
from drcli.sim.track_file import read_track
from drcli.sim.world import Transition, World

Observation = Any  # an array, or a dict of arrays by sensor name
Reward = RewardSource | Callable[[Params], float] | Path | str

CAMERA = "FRONT_FACING_CAMERA"
ENV_ID = "drcli/DeepRacer-v0"
_LOW, _HIGH = np.array([(-MAX_STEERING_DEG, MIN_SPEED_MPS), (MAX_STEERING_DEG, MAX_SPEED_MPS)])


class _Adapter:
    """What both environments share: a world whose cars are parked at the end of each episode."""

    def __init__(
        self,
        num_envs: int,
        track: Track | Path | str,
        actions: Sequence[tuple[float, float]] | None,
        reward: Reward | None,
        settings: RaceSettings | None,
        sensors: Sequence[str | SensorSpec],
        *,
        picture: bool = False,
    ) -> None:
        self.specs = sensor_specs(sensors)
        every = {spec.name: spec for spec in (*sensor_specs([CAMERA] if picture else []), *self.specs)}
        self.world = World(
            _track_of(track),
            settings or RaceSettings(),
            num_envs,
            sensors=tuple(every.values()),
            reward=_reward_source(reward),
            record=False,
        )
        self.latest: Observations = {}  # including the picture, if one is wanted
        self._table = None if actions is None else np.array(actions, np.float64).reshape(-1, 2)
        self.action_space: spaces.Space[Any] = spaces.Box(-1.0, 1.0, (2,), np.float32)
        if self._table is not None:
            self.action_space = spaces.Discrete(len(self._table))
        each = {spec.name: _space_of(spec) for spec in self.specs}
        self.observation_space = spaces.Dict(each) if len(each) > 1 else each[self.specs[0].name]

    def reset(self, seed: int | None = None, cars: npt.NDArray[np.bool_] | None = None) -> Observation:
        """Restart cars; with a seed, from the first episode."""
        if seed is not None:
            self.world.next_episode = 0
        quota = [1] * self.world.num_envs if cars is None else None
        return self._seen(self.world.reset(seed=seed, episodes_per_car=quota, cars=cars))

    def step(self, actions: npt.ArrayLike) -> tuple[Observation, Transition]:
        """`actions` `[K]` or `[K, 2]`."""
        if self._table is None:
            chosen = _LOW + (np.asarray(actions, np.float64) + 1.0) / 2.0 * (_HIGH - _LOW)
        else:
            chosen = self._table[np.asarray(actions)]
        transition = self.world.step(chosen)
        return self._seen(transition.obs), transition

    def _seen(self, obs: Observations) -> Observation:
        self.latest = obs
        shaped = {spec.name: obs[spec.name].reshape(-1, *_shape_of(spec)) for spec in self.specs}
        return shaped if len(shaped) > 1 else shaped[self.specs[0].name]


class DeepRacerEnv(gymnasium.Env[Observation, Any]):
    """One car on a track, 15 steps a second.

    | | |
    |---|---|
    | action | index into `actions`, pairs of steering (degrees, + is left) and speed (m/s); without `actions`, |
    | | both from -1 to 1, which stands for ±30° and 0.1 … 4 m/s |
    | observation | of the sensor, images with a last axis for their one channel; a dict if there are several sensors |
    | reward | `reward(params)` of DeepRacer: a function, a file, or None for 1, 0.5, 0.1 by distance from the centre |
    | start | on the centre line, 5 % of the lap further each time (`settings`) |
    | terminated | lap complete, off track, standing still, driving backwards |
    | info | `progress` in percent; at the end `status`, `time_s` and `reward` of the episode |

    Raises:
        DrError: no such track, race or sensor; RewardError from `step` if the reward function fails.
    """

    metadata: dict[str, Any] = {  # noqa: RUF012 - as Gymnasium declares it
        "render_modes": ["rgb_array"],
        "render_fps": STEPS_PER_SECOND,
    }

    def __init__(
        self,
        track: Track | Path | str = "drcli_oval",
        actions: Sequence[tuple[float, float]] | None = None,
        reward: Reward | None = None,
        settings: RaceSettings | None = None,
        sensors: Sequence[str | SensorSpec] = (CAMERA,),
        render_mode: str | None = None,
    ) -> None:
        self.render_mode = render_mode
        picture = render_mode is not None
        self._adapter = _Adapter(1, track, actions, reward, settings, sensors, picture=picture)
        self.world = self._adapter.world
        self.action_space = self._adapter.action_space
        self.observation_space = self._adapter.observation_space

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Start an episode; with a seed, the first one. There are no options."""
        super().reset(seed=seed)
        return _first(self._adapter.reset(seed)), self._info([])

    def step(self, action: Any) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Drive for 1/15 s."""
        obs, now = self._adapter.step(np.asarray(action)[None])
        info = self._info(now.episodes)
        return _first(obs), float(now.rewards[0]), bool(now.terminated[0]), bool(now.truncated[0]), info

    def render(self) -> npt.NDArray[np.uint8] | None:
        """The front camera's image: uint8 `[120, 160, 3]`, in grey."""
        if self.render_mode is None:
            return None
        return np.repeat(self._adapter.latest[CAMERA][0][..., None], 3, axis=2)

    def _info(self, ended: list[Episode]) -> dict[str, Any]:
        return _info_of(ended[0]) if ended else {"progress": float(self.world.telemetry.progress[0])}


class DeepRacerVectorEnv(VectorEnv[Observation, Any, npt.NDArray[Any]]):
    """`num_envs` cars on a track in lockstep, each alone in its world: like many `DeepRacerEnv`, but much faster.

    Autoreset is SAME_STEP: when an episode ends, the observation is that of the next start; the last one is in
    `infos["final_obs"]`, the final infos are in `infos["final_info"]`.
    """

    metadata: dict[str, Any] = {  # noqa: RUF012 - as Gymnasium declares it
        **DeepRacerEnv.metadata,
        "render_modes": [],
        "autoreset_mode": AutoresetMode.SAME_STEP,
    }

    def __init__(
        self,
        num_envs: int = 1,
        track: Track | Path | str = "drcli_oval",
        actions: Sequence[tuple[float, float]] | None = None,
        reward: Reward | None = None,
        settings: RaceSettings | None = None,
        sensors: Sequence[str | SensorSpec] = (CAMERA,),
    ) -> None:
        self.num_envs = num_envs
        self._adapter = _Adapter(num_envs, track, actions, reward, settings, sensors)
        self.world = self._adapter.world
        self.single_action_space = self._adapter.action_space
        self.single_observation_space = self._adapter.observation_space
        self.action_space = gymnasium.vector.utils.batch_space(self.single_action_space, num_envs)
        self.observation_space = gymnasium.vector.utils.batch_space(self.single_observation_space, num_envs)

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Restart all cars; with a seed (the first one of several), from their first episodes."""
        seed = seed if seed is None or isinstance(seed, int) else seed[0]
        super().reset(seed=seed)
        return self._adapter.reset(seed), self._infos()

    def step(
        self, actions: Any
    ) -> tuple[Observation, npt.NDArray[Any], npt.NDArray[np.bool_], npt.NDArray[np.bool_], dict[str, Any]]:
        """Drive for 1/15 s."""
        obs, now = self._adapter.step(actions)
        final: dict[str, Any] = {}
        if now.episodes:
            for episode in now.episodes:
                ended = {"final_obs": _first(obs, episode.car), "final_info": _info_of(episode)}
                final = self._add_info(final, ended, episode.car)
            obs = self._adapter.reset(cars=now.terminated | now.truncated)
        return obs, now.rewards.astype(np.float64), now.terminated, now.truncated, self._infos() | final

    def _infos(self) -> dict[str, Any]:
        progress = self.world.telemetry.progress.copy()
        return {"progress": progress, "_progress": np.ones(self.num_envs, np.bool_)}


class _PlainReward:
    """A function without its own clock, the same for every car."""

    def __init__(self, function: Callable[[Params], float]) -> None:
        self._function = function

    def for_car(self) -> CarReward:
        return lambda params, now_s: float(self._function(params))


def _reward_source(reward: Reward | None) -> RewardSource | None:
    if reward is None or hasattr(reward, "for_car"):
        return reward
    if callable(reward):
        return _PlainReward(reward)
    path = Path(reward)
    return RewardFunction(path.read_text(encoding="utf-8"), str(path))


def _track_of(track: Track | Path | str) -> Track:
    """A given track, one from a file, or one of ours by name."""
    if isinstance(track, Track):
        return track
    path = Path(track)
    if path.suffix == ".npy":
        return read_route(path)
    return read_track(path) if path.suffix in (".yaml", ".yml") else load_track(str(track), None, "")


def _shape_of(spec: SensorSpec) -> tuple[int, ...]:
    return (*spec.shape, 1) if len(spec.shape) == 2 else spec.shape


def _space_of(spec: SensorSpec) -> spaces.Space[Any]:
    is_picture = spec.dtype == np.uint8
    low, high = (0, 255) if is_picture else (-np.inf, np.inf)
    return spaces.Box(low, high, _shape_of(spec), spec.dtype.type)


def _first(obs: Observation, k: int = 0) -> Observation:
    return {name: values[k] for name, values in obs.items()} if isinstance(obs, dict) else obs[k]


def _info_of(episode: Episode) -> dict[str, Any]:
    lap = episode.laps[-1]
    return {
        "progress": episode.progress,
        "status": str(episode.status),
        "time_s": lap.elapsed_s,
        "reward": episode.reward,
    }


gymnasium.register(
    ENV_ID,
    entry_point="drcli.sim.gym:DeepRacerEnv",
    vector_entry_point="drcli.sim.gym:DeepRacerVectorEnv",
)
