"""The embedder that students of randomised pictures start with, trained again and measured on a track it has not seen.

    python -m benchmarks embedder_fit [--minutes 40] [--save]

The shallow network learns what a teacher sees: from randomised pictures, each in a style of its own, of places all
over six of our tracks and beside them, where the road leads. Its convolutions are then stored in the package.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import nn
from torch.nn.functional import smooth_l1_loss

from drcli.config.race_settings import RaceSettings
from drcli.sim.car_dynamics import put
from drcli.sim.catalogue import load_track
from drcli.sim.sensors.sensor import sensor_spec, sensor_type
from drcli.sim.track import Pose
from drcli.sim.world import World
from drcli.train.adam import Adam
from drcli.train.architectures.deep_convolutional import SHALLOW
from drcli.train.guided import camera_embedder
from drcli.train.network import Trunk

CAMERA, ROAD = "FRONT_FACING_CAMERA", "ROAD_AHEAD"
TRACKS = ("oval", "wide", "technical", "butterfly", "grand", "harbour")
UNSEEN = "narrow"
CARS, BATCH, LR, LAST_LR, EPS = 64, 48, 1e-3, 1e-5, 1e-5
OFF, ASKEW_RAD = 1.15, 0.35  # most half widths beside the centre line; deviation of the heading
REPORT_S = 60.0

Floats = NDArray[np.float32]
Samples = tuple[NDArray[np.uint8], Floats]  # pictures [N, 120, 160], what ROAD_AHEAD shows [N, 18]


class Places:
    """Pictures of random places of a track in random styles."""

    def __init__(self, name: str, seed: int) -> None:
        settings = RaceSettings(randomised_pictures=True, restyled_steps=1)
        track = load_track(f"drcli_{name}", None, "")
        self._world = World(track, settings, CARS, sensors=(CAMERA, ROAD), record=False, seed=seed)
        self._rng = np.random.default_rng(seed)
        self._half_width_m = track.width_m / 2

    def sample(self) -> Samples:
        world, rng = self._world, self._rng
        world.reset()
        for k in range(CARS):
            world.history.is_reversed[k] = rng.random() < 0.5
            put(world.cars, k, *self._pose(bool(world.history.is_reversed[k])))
        obs = world._look(np.ones(CARS, np.bool_))
        return obs[CAMERA], obs[ROAD]

    def _pose(self, is_reversed: bool) -> Pose:
        rng = self._rng
        x, y, heading = self._world.track.pose_at(rng.random())
        left_m = rng.uniform(-OFF, OFF) * self._half_width_m
        turn = rng.normal(0.0, ASKEW_RAD) + (np.pi if is_reversed else 0.0)
        return x - left_m * np.sin(heading), y + left_m * np.cos(heading), heading + turn


def batches(places: list[Places], rng: np.random.Generator) -> Iterator[Samples]:
    """Without an end; each picture and its mirror image once."""
    mirrors = [sensor_type(sensor_spec(name)).mirrored for name in (CAMERA, ROAD)]
    while True:
        parts = [np.concatenate(part) for part in zip(*(each.sample() for each in places), strict=True)]
        pictures, road = (
            np.concatenate([part, mirrored(part)]) for part, mirrored in zip(parts, mirrors, strict=True)
        )
        order = rng.permutation(len(pictures))
        yield from ((pictures[at], road[at]) for at in np.array_split(order, len(order) // BATCH))


class Student(nn.Module):
    """The shallow network with the numbers of ROAD_AHEAD as its output, each of mean 0 and variance 1."""

    def __init__(self, road: Floats) -> None:
        super().__init__()
        self.trunk = Trunk((sensor_spec(CAMERA),), SHALLOW)
        self.trunk.initialise()
        self.output = nn.Linear(self.trunk.num_features, road.shape[1])
        self.mean, self.deviation = road.mean(0), road.std(0) + 1e-3

    def forward(self, pictures: NDArray[np.uint8]) -> torch.Tensor:
        inputs = self.trunk.prepare({CAMERA: torch.from_numpy(pictures)}, torch.float32)
        outputs: torch.Tensor = self.output(self.trunk(inputs))
        return outputs

    def loss(self, samples: Samples) -> torch.Tensor:
        pictures, road = samples
        return smooth_l1_loss(self(pictures), torch.from_numpy((road - self.mean) / self.deviation))

    @torch.no_grad()
    def errors(self, samples: Samples) -> Floats:
        """Median over pictures of the absolute error of each number, in its unit."""
        pictures, road = samples
        return np.median(np.abs(self(pictures).numpy() * self.deviation + self.mean - road), axis=0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=40.0)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--save", action="store_true", help="store the convolutions in the package")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(options.seed)
    places = [Places(name, options.seed + number) for number, name in enumerate(TRACKS)]
    unseen = Places(UNSEEN, options.seed + len(TRACKS)).sample()
    student = Student(np.concatenate([each.sample()[1] for each in places]))
    optimizer = Adam(student.parameters(), LR, EPS)
    print("| pictures | loss | offset, half widths | heading | 1 m further along, to the left |")
    print("|---|---|---|---|---|")
    begun = reported = time.monotonic()
    seen, losses = 0, []
    for samples in batches(places, np.random.default_rng(options.seed)):
        share = (time.monotonic() - begun) / (60 * options.minutes)
        optimizer.lr = LR * max(0.0, 1 - share) + LAST_LR
        loss = student.loss(samples)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        seen += len(samples[0])
        losses.append(loss.item())
        if share >= 1 or time.monotonic() - reported > REPORT_S:
            reported = time.monotonic()
            offset, heading_rad, left_m = student.errors(unseen)[[0, 1, 11]]
            print(
                f"| {seen:,} | {np.mean(losses):.3f} | {offset:.2f} | {np.degrees(heading_rad):.1f}° "
                f"| {100 * left_m:.1f} cm |", flush=True,
            )  # fmt: skip
            losses.clear()
        if share >= 1:
            break
    if options.save:
        (embedder,) = student.trunk.embedders
        weights = camera_embedder.weights(embedder)
        stored = {name: value.to(torch.float16).contiguous() for name, value in weights.items()}
        save_file(stored, Path(camera_embedder.__file__).with_name(camera_embedder.STORED))


if __name__ == "__main__":
    main()
