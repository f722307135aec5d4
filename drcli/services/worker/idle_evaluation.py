"""An evaluation that a worker drives step by step while the trainer learns."""

from __future__ import annotations

from drcli.contract.episode import Episode
from drcli.services.shared.protocol import Evaluate
from drcli.services.worker.driver import Driver


class IdleEvaluation:
    """Greedy episodes, side by side."""

    def __init__(self, task: Evaluate, driver: Driver) -> None:
        self.task = task
        self.episodes: list[Episode] = []
        self._driver = driver
        driver.reset([1] * task.episodes)

    def step(self) -> bool:
        """Drive one step; return whether all episodes have ended."""
        self.episodes += self._driver.step().transition.episodes
        return not self._driver.world.active.any()
