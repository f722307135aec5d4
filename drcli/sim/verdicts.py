"""The referee: what the rules that all races share say about a step of K cars, as arrays `[K]`. No numba.

What is a fault, and what it costs, the race says; how many are forgiven, and when an episode is over, is told here.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from drcli.config.race_settings import RaceSettings
from drcli.contract.episode import Status
from drcli.sim.constants import MAX_STEPS
from drcli.sim.telemetry import Bools
from drcli.sim.track import Array

Codes = npt.NDArray[np.int8]

IN_PROGRESS, LAP_COMPLETE, CRASHED = Status.IN_PROGRESS.code, Status.LAP_COMPLETE.code, Status.CRASHED.code


class Verdicts(NamedTuple):
    """What the referee says about a step: arrays `[K]`."""

    status: Codes  # of `Status`
    terminated: Bools
    truncated: Bools
    forgiven: Bools  # a fault after which the car is put back on the road
    is_eventful: bool  # whether anybody made a mistake, completed a lap or came to an end

    @property
    def done(self) -> Bools:
        """Whose episode is over."""
        return self.terminated | self.truncated

    @property
    def faulty(self) -> Bools:
        """Who made a mistake."""
        return self.status >= CRASHED


class Referee:
    """Judges K cars, each through one episode after another; keeps the counts `[K]` that this takes."""

    def __init__(self, settings: RaceSettings, num_envs: int) -> None:
        self.steps, self.laps, self.resets, self.crashes = np.zeros((4, num_envs), np.int64)
        self._laps_to_go = settings.number_of_trials if settings.is_continuous else 1
        self._may_reset = settings.number_of_resets
        self._nobody = np.zeros(num_envs, np.bool_)

    def begin(self, cars: Bools) -> None:
        """An episode of each of these cars begins."""
        for count in (self.steps, self.laps, self.resets, self.crashes):
            count[cars] = 0

    def judge(self, progress: Array, faults: Codes, cars: Bools) -> Verdicts:
        """A step of cars that drive; `faults` is the code of a fault, or IN_PROGRESS. A full lap counts first."""
        self.steps += cars
        full = progress >= 100.0
        if not ((faults != IN_PROGRESS) | full | (self.steps >= MAX_STEPS))[cars].any():
            return Verdicts(faults, self._nobody, self._nobody, self._nobody, is_eventful=False)
        status = np.where(self._finished(full & cars), np.int8(LAP_COMPLETE), faults)
        truncated = cars & (self.steps >= MAX_STEPS) & (status == IN_PROGRESS)
        faulty = cars & (status >= CRASHED)
        self.crashes += faulty & (status == CRASHED)
        forgiven = faulty & (self.resets < self._may_reset)
        self.resets += forgiven
        terminated = cars & (status >= LAP_COMPLETE) & ~forgiven
        return Verdicts(status, terminated, truncated, forgiven, is_eventful=True)

    def wait(self, progress: Array, phase: Status, cars: Bools) -> Verdicts:
        """A step of cars that stand, in PREPARE or PAUSE: they make no mistakes, but may have finished."""
        self.steps += cars
        full = cars & (progress >= 100.0)
        finished = self._finished(full)
        status = np.where(finished, np.int8(LAP_COMPLETE), np.int8(phase.code))
        return Verdicts(status, finished, self._nobody, self._nobody, is_eventful=bool(full.any()))

    def _finished(self, full: Bools) -> Bools:
        """Of those that have just completed a lap, who has no more to go; counts laps."""
        self.laps += full
        return full & (self.laps >= self._laps_to_go)
