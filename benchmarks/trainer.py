"""Samples per second of `PPOLearner.learn` against a bare torch loop: same network, batch, number format, threads.

The bare loop has no advantages, no clipping, no entropy: forward, two losses, backward, Adam. The two in turn.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from functools import partial

import numpy as np
import torch

from drcli.config.hyperparameters import Hyperparameters
from drcli.config.model_metadata import ModelMetadata
from drcli.train.actor_critic import ActorCritic, new_actor_critic
from drcli.train.algorithms.ppo import ClippedPPO
from drcli.train.hardware import Hardware
from drcli.train.model import ModelSpec
from drcli.train.rollout import Rollout, RolloutSpec

REPEATS = 7
STEPS = 512
CARS = 16
CAMERA = "FRONT_FACING_CAMERA"


def new_model() -> ModelSpec:
    actions = [{"steering_angle": angle, "speed": 1} for angle in (-30, -15, 0, 15, 30)]
    text = json.dumps({"action_space": actions, "sensor": [CAMERA], "version": "5"})
    return ModelSpec.of(ModelMetadata.parse(text, "model_metadata.json"))


def experience(model: ModelSpec, rng: np.random.Generator) -> Rollout:
    rollout = RolloutSpec.of(model, ClippedPPO.extras).zeros(STEPS // CARS, CARS)
    rollout.obs[CAMERA][:] = rng.integers(0, 255, rollout.obs[CAMERA].shape)
    rollout.actions[:] = rng.integers(0, 5, rollout.actions.shape)
    rollout.extras["logprobs"][:] = -np.abs(rng.standard_normal(rollout.rewards.shape))
    rollout.extras["values"][:] = rng.standard_normal(rollout.rewards.shape)
    rollout.rewards[:] = rng.standard_normal(rollout.rewards.shape)
    rollout.valid[:] = True
    return rollout


def bare_loop(
    network: ActorCritic, optimizer: torch.optim.Optimizer, data: Rollout, size: int, hardware
) -> None:
    obs = torch.from_numpy(data.obs[CAMERA].reshape(STEPS, 120, 160))
    actions = torch.from_numpy(data.actions.reshape(STEPS))
    for start in range(0, STEPS, size):
        with torch.autocast("cpu", hardware.dtype, enabled=hardware.dtype is not torch.float32):
            logits, values = network({CAMERA: obs[start : start + size]})
        loss = torch.nn.functional.cross_entropy(logits.float(), actions[start : start + size])
        loss = loss + values.float().square().mean()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()


def rate(run) -> float:
    begun = time.perf_counter()
    run()
    return STEPS / (time.perf_counter() - begun)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    hardware, model = Hardware.detect(use_cuda=False), new_model()
    data = experience(model, np.random.default_rng(0))
    print(f"{hardware}\n")
    print("| minibatch | PPOLearner.learn, samples/s | bare loop, samples/s | ratio |")
    print("|---|---|---|---|")
    for size in (32, 64, 256):
        hyperparameters = Hyperparameters(batch_size=size, num_epochs=1)
        learner = ClippedPPO.learner(new_actor_critic(model), hyperparameters, hardware, seed=0)
        network = new_actor_critic(model)
        optimizer = torch.optim.Adam(network.parameters(), lr=3e-4, fused=True)
        bare = partial(bare_loop, network, optimizer, data, size, hardware)
        update = partial(learner.learn, [data])
        pairs = [(rate(update), rate(bare)) for _ in range(REPEATS + 1)][1:]
        ours, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
        ratio = statistics.median(a / b for a, b in pairs)
        print(f"| {size} | {ours:,.0f} | {theirs:,.0f} | {ratio:.2f} |")


if __name__ == "__main__":
    main()
