"""Samples per second of `Learner.update` against a bare torch loop: same network, batch, number format, threads.

The bare loop has no advantages, no clipping, no entropy: forward, two losses, backward, Adam. The two in turn.
"""

from __future__ import annotations

import argparse
import statistics
import time
from functools import partial

import numpy as np
import torch

from drcli.train.hardware import Hardware
from drcli.train.network import ActorCritic, PolicySpec
from drcli.train.ppo import Hyper, Learner, Rollout

REPEATS = 7
STEPS = 512


def experience(rng: np.random.Generator) -> Rollout:
    floats = (rng.standard_normal(STEPS).astype(np.float32) for _ in range(3))
    logprobs, values, rewards = floats
    return Rollout(
        obs=rng.integers(0, 255, (STEPS, 120, 160)).astype(np.uint8),
        actions=rng.integers(0, 5, STEPS),
        logprobs=-np.abs(logprobs),
        values=values,
        rewards=rewards,
        dones=np.zeros(STEPS, np.bool_),
        lengths=np.full(16, STEPS // 16),
        last_values=np.zeros(16, np.float32),
    )


def bare_loop(
    network: ActorCritic, optimizer: torch.optim.Optimizer, data: Rollout, size: int, hardware
) -> None:
    obs, actions = torch.from_numpy(data.obs), torch.from_numpy(data.actions)
    for start in range(0, STEPS, size):
        with torch.autocast("cpu", hardware.dtype, enabled=hardware.dtype is not torch.float32):
            logits, values = network(obs[start : start + size])
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
    hardware, data = Hardware.detect(use_cuda=False), experience(np.random.default_rng(0))
    print(f"{hardware}\n")
    print("| minibatch | Learner.update, samples/s | bare loop, samples/s | ratio |")
    print("|---|---|---|---|")
    for size in (32, 64, 256):
        learner = Learner(ActorCritic(PolicySpec(5)), Hyper(batch_size=size, num_epochs=1), hardware, seed=0)
        network = ActorCritic(PolicySpec(5))
        optimizer = torch.optim.Adam(network.parameters(), lr=3e-4, fused=True)
        bare = partial(bare_loop, network, optimizer, data, size, hardware)
        update = partial(learner.update, data)
        pairs = [(rate(update), rate(bare)) for _ in range(REPEATS + 1)][1:]
        ours, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
        ratio = statistics.median(a / b for a, b in pairs)
        print(f"| {size} | {ours:,.0f} | {theirs:,.0f} | {ratio:.2f} |")


if __name__ == "__main__":
    main()
