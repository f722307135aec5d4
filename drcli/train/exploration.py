"""Exploration: training actions are sampled from the policy, or e-greedy with a linear schedule."""

from __future__ import annotations

from dataclasses import dataclass

from drcli.config.hyperparameters import Hyperparameters

EXPLORATION_TYPES = ("categorical", "e-greedy")


@dataclass(frozen=True)
class Exploration:
    """How discrete training actions are chosen; continuous ones are always sampled."""

    is_e_greedy: bool = False
    e_greedy_value: float = 0.05
    epsilon_steps: int = 10_000

    @classmethod
    def of(cls, hyperparameters: Hyperparameters) -> Exploration:
        """The exploration that hyperparameters.json asks for."""
        return cls(
            hyperparameters.exploration_type == "e-greedy",
            hyperparameters.e_greedy_value,
            hyperparameters.epsilon_steps,
        )

    def epsilon(self, step: int) -> float | None:
        """The share of random actions after `step` steps, from 1 down to `e_greedy_value`; None: sample all actions."""
        if not self.is_e_greedy:
            return None
        done = min(1.0, step / self.epsilon_steps) if self.epsilon_steps > 0 else 1.0
        return 1.0 + (self.e_greedy_value - 1.0) * done
