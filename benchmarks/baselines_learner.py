"""Stable-Baselines3 on our tasks: our simulator as its vector environment, with networks of the sizes of ours."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3 import PPO, SAC
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.common.vec_env import VecEnv
from torch import Tensor, nn

from benchmarks.learning_curves import CAMERA, REWARD, Point, Task, point
from drcli.config.hyperparameters import Hyperparameters
from drcli.sim.constants import MAX_SPEED_MPS, MIN_SPEED_MPS
from drcli.sim.gym import DeepRacerVectorEnv
from drcli.train.model import ModelSpec
from drcli.train.rollout import Decision


class Cars(VecEnv):
    """`DeepRacerVectorEnv` with the speeds of a task, for Stable-Baselines3."""

    def __init__(self, task: Task) -> None:
        self._env = DeepRacerVectorEnv(task.cars, task.track, reward=REWARD, sensors=(task.sensor,))
        low, high = task.speed_mps
        self._speed = np.array([MIN_SPEED_MPS, low, high - low, MAX_SPEED_MPS - MIN_SPEED_MPS])
        bounds = spaces.Box(-1.0, 1.0, (2,), np.float32)
        super().__init__(task.cars, self._env.single_observation_space, bounds)
        self._actions: NDArray[Any] = np.zeros((task.cars, 2))

    def reset(self) -> NDArray[Any]:
        return self._env.reset(seed=self._seeds[0])[0]

    def step_async(self, actions: NDArray[Any]) -> None:
        least, low, span, whole = self._speed
        speeds = low + (actions[:, 1] + 1) / 2 * span
        self._actions = np.stack((actions[:, 0], 2 * (speeds - least) / whole - 1), axis=1)

    def step_wait(self) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], list[dict[str, Any]]]:
        obs, rewards, terminated, truncated, infos = self._env.step(self._actions)
        dones = terminated | truncated
        found: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        for car in np.flatnonzero(dones):
            found[car]["terminal_observation"] = infos["final_obs"][car]
        return obs, rewards.astype(np.float32), dones, found

    def close(self) -> None:
        self._env.close()

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        return [None] * self.num_envs if attr_name == "render_mode" else [getattr(self._env, attr_name)]

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        raise NotImplementedError

    def env_method(self, method_name: str, *args: Any, indices: Any = None, **kwargs: Any) -> list[Any]:
        raise NotImplementedError

    def env_is_wrapped(self, wrapper_class: Any, indices: Any = None) -> list[bool]:
        return [False] * self.num_envs


class Layers(BaseFeaturesExtractor):
    """The layers of our shallow network up to its features; numbers pass as they are."""

    def __init__(self, space: spaces.Box, units: Sequence[int], is_picture: bool) -> None:
        parts: list[nn.Module] = [nn.Flatten()]
        size = int(np.prod(space.shape))
        if is_picture:
            convolutions = nn.Conv2d(1, 32, 8, 4), nn.Conv2d(32, 64, 4, 2), nn.Conv2d(64, 64, 3, 1)
            parts = [*(part for layer in convolutions for part in (layer, nn.ReLU())), nn.Flatten()]
            size = 11264
        for number in units:
            parts += [nn.Linear(size, number), nn.ReLU()]
            size = number
        super().__init__(space, size)
        self.layers = nn.Sequential(*parts)

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


class Watch(BaseCallback):
    """Evaluates as our learners are evaluated, and stops the clock meanwhile."""

    def __init__(self, task: Task, spec: ModelSpec) -> None:
        super().__init__()
        self.points: list[Point] = []
        self._task, self._spec = task, spec
        self._begun, self._spent_s, self._next = time.process_time(), 0.0, task.every

    def _on_rollout_start(self) -> None:
        """After an update, before the next steps."""
        self.look()

    def _on_step(self) -> bool:
        return True

    def look(self) -> None:
        """Evaluate if it is time."""
        if self.num_timesteps < self._next:
            return
        self._next += self._task.every
        self._spent_s += time.process_time() - self._begun
        episodes = self._task.evaluated(self._spec, Driver(self.model, self._task.sensor))
        self.points.append(point(self.num_timesteps, episodes, self._spent_s))
        self._begun = time.process_time()


class Driver:
    """A model of Stable-Baselines3 as one of our actors."""

    def __init__(self, model: Any, sensor: str) -> None:
        self._model, self._sensor = model, sensor

    def load(self, weights: Mapping[str, Tensor]) -> None:
        raise NotImplementedError

    def act(self, obs: Mapping[str, NDArray[Any]], greedy: bool = False, step: int = 0) -> Decision:
        seen = obs[self._sensor]
        shaped = seen[:, None] if seen.ndim == 3 else seen  # pictures with the channel first
        return Decision(self._model.predict(shaped, deterministic=greedy)[0], {})


def learn(task: Task, algorithm: str, hyperparameters: Hyperparameters, seed: int) -> Iterator[Point]:
    """As `learning_curves.learn`, with Stable-Baselines3."""
    torch.manual_seed(seed)
    build = {"clipped_ppo": ppo, "sac": sac}[algorithm]
    model = build(task, hyperparameters, seed)
    watch = Watch(task, task.model(algorithm))
    model.learn(task.steps, callback=watch)
    watch.look()
    yield from watch.points


def ppo(task: Task, hyper: Hyperparameters, seed: int) -> PPO:
    """Without what ours does not have: no clipping of gradients, full weight of the value loss."""
    is_picture = task.sensor == CAMERA
    extractor = {"units": (512,) if is_picture else (64, 64), "is_picture": is_picture}
    return PPO(
        "CnnPolicy" if is_picture else "MlpPolicy", Cars(task), seed=seed, device="cpu",
        learning_rate=hyper.lr, batch_size=hyper.batch_size, n_epochs=hyper.num_epochs,
        n_steps=(hyper.num_steps_between_training or 256) // task.cars, gamma=hyper.discount_factor,
        ent_coef=hyper.beta_entropy, vf_coef=1.0, max_grad_norm=1e9,
        policy_kwargs={
            "features_extractor_class": Layers, "features_extractor_kwargs": extractor, "net_arch": [],
            "optimizer_kwargs": {"eps": 1e-5},
        },
    )  # fmt: skip


def sac(task: Task, hyper: Hyperparameters, seed: int) -> SAC:
    """With the fixed temperature of ours; instead of a value network it has target Q networks, by its own rule."""
    is_picture = task.sensor == CAMERA
    size = hyper.num_steps_between_training or 64
    hidden = [512, 256] if is_picture else [64, 64, 256]
    return SAC(
        "CnnPolicy" if is_picture else "MlpPolicy", Cars(task), seed=seed, device="cpu",
        learning_rate=hyper.lr, batch_size=hyper.batch_size, gamma=hyper.discount_factor, ent_coef=hyper.sac_alpha,
        buffer_size=hyper.sac_replay_size, learning_starts=256, train_freq=size // task.cars,
        gradient_steps=round(size * hyper.sac_updates_per_step),
        policy_kwargs={
            "features_extractor_class": Layers, "features_extractor_kwargs": {"units": (), "is_picture": is_picture},
            "net_arch": {"pi": hidden, "qf": [256, 256]}, "optimizer_kwargs": {"eps": 1e-5},
        },
    )  # fmt: skip
