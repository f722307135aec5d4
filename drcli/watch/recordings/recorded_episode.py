"""A recorded episode: one drive from its start to its end, as a piece of a simtrace."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from drcli.contract.episode import Status
from drcli.sim.constants import STEP_S
from drcli.watch.recordings.trace_table import Steps

_STANDING = (Status.PREPARE.value, Status.PAUSE.value)
_GOES_ON = (*_STANDING, Status.IN_PROGRESS.value)


@dataclass(frozen=True, eq=False)
class RecordedEpisode:
    """A training episode or the trial of an evaluation.

    worker, iteration: whose file it is in (0 for evaluations); number: as recorded, counted by each worker on its own;
    rows: its steps (`trace_table.STEP`); began_s: the clock of the rows at its reset, or where the lap before it ended.
    """

    worker: int
    iteration: int
    number: int
    rows: Steps
    began_s: float

    @property
    def name(self) -> str:
        """`iteration-worker-number`: unique in a recording's trainings, and in each of its evaluations."""
        return f"{self.iteration}-{self.worker}-{self.number}"

    @cached_property
    def status(self) -> str:
        """Its last status, as in the trace; a lap of a race that went on is complete, too."""
        last = self.rows[-1]
        is_over = last["episode_status"] not in _GOES_ON
        complete = Status.LAP_COMPLETE.value
        return str(last["episode_status"]) if is_over or last["progress"] < 100.0 else complete

    @property
    def is_lap(self) -> bool:
        """Whether it is a complete lap."""
        return self.status == Status.LAP_COMPLETE

    @property
    def is_whole(self) -> bool:
        """Whether it was recorded to its end: a run that is stopped leaves parts."""
        return self.status not in _GOES_ON

    @property
    def time_s(self) -> float:
        """Simulated time from the reset to the last step, pauses included, as in the metrics."""
        return float(self.rows["tstamp"][-1]) - self.began_s

    @property
    def lap_s(self) -> float | None:
        """Seconds of the lap; None if it is not complete."""
        return self.time_s if self.is_lap else None

    @property
    def total_reward(self) -> float:
        """The sum of its rewards."""
        return float(self.rows["reward"].sum())

    @property
    def progress(self) -> float:
        """Of its last step, in %."""
        return float(self.rows["progress"][-1])

    @cached_property
    def driven(self) -> Steps:
        """The steps in which the car drove: without those of preparation and pauses."""
        return self.rows[~np.isin(self.rows["episode_status"], _STANDING)]

    @property
    def pause_s(self) -> float:
        """How long it stood in pauses: the time of its penalties."""
        is_pause = self.rows["episode_status"][1:] == Status.PAUSE
        return float(np.diff(self.rows["tstamp"])[is_pause].sum())

    def count(self, status: str) -> int:
        """Its steps with a status; of a fault, how often it happened."""
        return int((self.rows["episode_status"] == status).sum())


def episodes_in(rows: Steps, worker: int = 0, iteration: int = 0) -> Iterator[RecordedEpisode]:
    """The episodes of a trace, in its order.

    A new one begins with another number, or where steps are counted from 1 again. In races that go on from lap to lap
    they are not, and time is counted on, too.
    """
    if not len(rows):
        return
    fresh = (np.diff(rows["episode"]) != 0) | (np.diff(rows["steps"]) <= 0)
    starts = [0, *(np.flatnonzero(fresh) + 1).tolist(), len(rows)]
    for first, end in pairwise(starts):
        part = rows[first:end]
        goes_on = first > 0 and part["steps"][0] > rows["steps"][first - 1]
        began_s = float(rows["tstamp"][first - 1] if goes_on else part["tstamp"][0] - STEP_S)
        yield RecordedEpisode(worker, iteration, int(part["episode"][0]), part, began_s)
