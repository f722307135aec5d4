"""The referee: applies the rules that all races share to a step of K cars, as arrays `[K]`.

The race decides what is a fault and what it costs; the referee, how many are forgiven and when an episode is over.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from drcli.config.race_settings import RaceSettings
from drcli.contract.episode import Status
from drcli.sim.car_arrays import Array, Block, Bools, Codes, Ints, new_arrays
from drcli.sim.constants import MAX_STEPS, STEP_S
from drcli.sim.kernel import kernel

IN_PROGRESS, LAP_COMPLETE = Status.IN_PROGRESS.code, Status.LAP_COMPLETE.code


@dataclass(eq=False)
class Verdicts:
    """The referee's verdicts on a step: arrays `[K]`, False for cars that were not judged."""

    block: Block  # all fields below, by car
    status: Codes  # of `Status`
    terminated: Bools
    truncated: Bools
    forgiven: Bools  # a fault after which the car is put back on the road
    completed: Bools  # a lap
    is_eventful: bool = field(
        init=False, default=False
    )  # whether any car made a mistake, completed a lap or ended its episode


@dataclass(eq=False)
class Counts:
    """What the referee counts: arrays `[K]`, for each car's episode unless noted otherwise."""

    block: Block  # all fields below, by car
    clock_s: Array  # simulated time since the world was created; a car's clock stops while it is parked
    clock: Ints  # the same in steps
    late_s: Array  # by how much those steps lasted longer than 1/15 s each, in sum
    steps: Ints
    laps: Ints
    resets: Ints


class Referee:
    """Judges K cars, each through one episode after another."""

    def __init__(self, settings: RaceSettings, num_envs: int) -> None:
        self.counts = new_arrays(Counts, num_envs)
        self._laps_to_go = settings.number_of_trials if settings.is_continuous else 1
        self._may_reset = settings.number_of_resets

    def begin(self, cars: Bools) -> None:
        """Start an episode of each of these cars."""
        counts = self.counts
        for count in (counts.steps, counts.laps, counts.resets):
            count[cars] = 0

    def judge(self, progress: Array, faults: Codes, cars: Bools) -> Verdicts:
        """Judge a step of cars that drive; `faults` are codes of faults, or IN_PROGRESS. A full lap has priority."""
        verdicts = new_arrays(Verdicts, len(cars))
        limits = self._laps_to_go, self._may_reset, MAX_STEPS
        verdicts.is_eventful = _judge(self.counts.block, progress, faults, cars, limits, verdicts.block)
        return verdicts

    def wait(self, progress: Array, phase: Status, cars: Bools) -> Verdicts:
        """Judge a step of cars that stand, in PREPARE or PAUSE: they make no mistakes, but may have finished."""
        verdicts = new_arrays(Verdicts, len(cars))
        limits = self._laps_to_go, 0, np.iinfo(np.int64).max
        phases = np.full(len(cars), phase.code, np.int8)
        verdicts.is_eventful = _judge(self.counts.block, progress, phases, cars, limits, verdicts.block)
        return verdicts


@kernel
def _judge(
    counts: Block, progress: Array, faults: Codes, cars: Bools, limits: tuple[int, int, int], out: Block
) -> bool:
    laps_to_go, may_reset, max_steps = limits
    is_eventful = False
    for k in range(cars.shape[0]):
        out[k].status = faults[k]
        if not cars[k]:
            continue
        count = counts[k]
        count.clock += 1
        count.clock_s = count.clock * STEP_S + count.late_s
        count.steps += 1
        if progress[k] >= 100.0:
            count.laps += 1
            out[k].completed = True
            if count.laps >= laps_to_go:
                out[k].status = LAP_COMPLETE
        if out[k].status > LAP_COMPLETE and count.resets < may_reset:
            count.resets += 1
            out[k].forgiven = True
        else:
            out[k].terminated = out[k].status >= LAP_COMPLETE
            out[k].truncated = out[k].status == IN_PROGRESS and count.steps >= max_steps
        is_eventful |= out[k].completed or out[k].truncated or out[k].status >= LAP_COMPLETE
    return is_eventful
