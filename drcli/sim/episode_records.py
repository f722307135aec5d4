"""Records what K cars do: always laps and total rewards, rows of the trace if wanted. No numba."""

from __future__ import annotations

import time

import numpy as np

from drcli.contract.episode import STATUSES, Episode, Lap, Status, TraceRow
from drcli.sim.car_arrays import Array, Bools, Ints
from drcli.sim.races.race_type import EpisodeStart
from drcli.sim.step import Step
from drcli.sim.verdicts import Verdicts

_STATUS_TEXTS = [status.value for status in STATUSES]


class EpisodeRecords:
    """The episodes that K cars are in; `track_length_m` is what the trace calls track_len."""

    def __init__(self, num_envs: int, track_length_m: float, *, rows: bool) -> None:
        self.episodes = [Episode(k, 0, 0.0, 0.0) for k in range(num_envs)]
        self._laps = [Lap(0.0) for _ in range(num_envs)]
        self._rewards = np.zeros(num_envs)
        self._numbers = np.zeros(num_envs, np.int64)  # the trace's number of each car's current lap
        self._length_m = track_length_m
        self._keeps_rows = rows

    def begin(self, k: int, start: EpisodeStart, time_s: float) -> None:
        """Start an episode of car `k`; the previous one is dropped."""
        self.episodes[k] = Episode(k, start.number, start.ndist, time_s, start.is_reversed)
        self._laps[k] = Lap(time_s)
        self._rewards[k], self._numbers[k] = 0.0, start.number

    def add(
        self, cars: Bools, step: Step, verdicts: Verdicts, rewards: Array, pause_s: Array, crashes: Ints
    ) -> None:
        """Add a step of the `cars` that are set, with how long they wait after it and how often they have crashed.

        The rewards of the others must be 0.
        """
        self._rewards += rewards
        if self._keeps_rows:
            self._add_rows(cars, step, verdicts, rewards, pause_s, crashes)
        if verdicts.is_eventful:
            for k in (cars & (verdicts.status > Status.LAP_COMPLETE.code)).nonzero()[0].tolist():
                self._laps[k].count(STATUSES[verdicts.status[k]])
            ends = verdicts.completed | verdicts.terminated | verdicts.truncated
            for k in ends.nonzero()[0].tolist():
                self._close_lap(k, step, STATUSES[verdicts.status[k]])

    def _close_lap(self, k: int, step: Step, status: Status) -> None:
        episode, lap = self.episodes[k], self._laps[k]
        progress, time_s = float(step.at.progress[k]), float(step.time_s[k])
        lap.end_time_s, lap.status, lap.completion_percentage = time_s, status, int(progress)
        episode.laps.append(lap)
        episode.progress, episode.status, episode.end_time_s = progress, status, time_s
        episode.reward = float(self._rewards[k])
        self._laps[k] = Lap(time_s)
        self._numbers[k] += 1

    def _add_rows(
        self, cars: Bools, step: Step, verdicts: Verdicts, rewards: Array, pause_s: Array, crashes: Ints
    ) -> None:
        numbers, verdict_rows = self._numbers.tolist(), verdicts.block.tolist()
        paid, pauses, crashed, now = rewards.tolist(), pause_s.tolist(), crashes.tolist(), time.time()
        for k in cars.nonzero()[0].tolist():
            x, y, heading, _, _, progress, _, _, _, closest, wheels, _, _ = step.at_rows[k]
            steering, speed = step.action_rows[k]
            code, terminated, truncated, _, _ = verdict_rows[k]
            label = f"[{steering} {speed}]" if step.labels is None else step.labels[k]
            rows = self.episodes[k].rows
            if len(rows) == 1:  # the prepare step also shows the driver's action
                rows[0] = rows[0]._replace(steer=steering, throttle=speed, action=label)
            rows.append(
                TraceRow(
                    numbers[k],
                    float(step.number_rows[k]),
                    x,
                    y,
                    heading,
                    steering,
                    speed,
                    label,
                    paid[k],
                    terminated or truncated,
                    wheels == 4,
                    progress,
                    closest,
                    self._length_m,
                    step.time_rows[k],
                    _STATUS_TEXTS[code],
                    pauses[k],
                    crashed[k],
                    now,
                )
            )
