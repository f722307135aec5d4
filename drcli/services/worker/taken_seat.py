"""A seat of a worker in use: its policy, and the collector that drives with it once it was asked to."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from drcli.config.hyperparameters import Hyperparameters
from drcli.services.observers.subscriptions import Subscriptions
from drcli.services.shared.protocol import Arrays
from drcli.services.shared.seats import Seat
from drcli.services.shared.weight_arrays import arrays_to_weights
from drcli.services.worker.collector import Collector
from drcli.services.worker.driver import Driver
from drcli.services.worker.exam import Dazzled
from drcli.sim.world import World
from drcli.sim.worlds import Worlds
from drcli.train.algorithms.algorithm import Actor
from drcli.train.hardware import Hardware


class TakenSeat:
    """Keeps the last policy that the trainer sent for this seat."""

    def __init__(self, seat: Seat, hyperparameters: Hyperparameters, seed: int) -> None:
        self.seat = seat
        self.collector: Collector | None = None
        self._hardware = Hardware.exact() if seat.is_exact else Hardware.detect()
        self._hyperparameters = seat.hyperparameters(hyperparameters)
        self._actor = self._new_actor(seed)
        self._weights: Mapping[str, torch.Tensor] = {}

    def take(self, weights: Arrays) -> None:
        """Drive with new weights from now on; without any, with those it has."""
        if weights:
            self._weights = arrays_to_weights(weights)
            self._actor.load(self._weights)

    def driver(
        self,
        world: World | Worlds,
        observers: Subscriptions,
        *,
        is_evaluation: bool = False,
        noise: float = 0.0,
    ) -> Driver:
        """A driver with this policy. In an evaluation it keeps the weights of now; noise: see `Evaluate`."""
        actor = self._actor
        if is_evaluation:
            actor = self._new_actor(0)
            actor.load(self._weights)
        if noise:
            actor = Dazzled(actor, noise)
        return Driver(world, self.seat.model.head, actor, observers, is_evaluation=is_evaluation)

    def _new_actor(self, seed: int) -> Actor:
        return self.seat.algorithm.actor(self.seat.model, self._hyperparameters, self._hardware, seed)
