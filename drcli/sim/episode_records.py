"""Keeps the records of what K cars do: laps and sums of rewards always, rows of the trace when wanted. No numba."""

from __future__ import annotations

import time
from itertools import repeat

import numpy as np

from drcli.contract.episode import STATUSES, Episode, Lap, Status, TraceRow
from drcli.sim.races.race_type import EpisodeStart
from drcli.sim.step import Step
from drcli.sim.telemetry import Bools, Ints
from drcli.sim.track import Array
from drcli.sim.verdicts import Verdicts

_STATUS_TEXTS = [status.value for status in STATUSES]


class EpisodeRecords:
    """The episodes that K cars are in; `track_length_m` is what the trace calls track_len."""

    def __init__(self, num_envs: int, track_length_m: float, *, rows: bool) -> None:
        self.episodes = [Episode(k, 0, 0.0, 0.0) for k in range(num_envs)]
        self._laps = [Lap(0.0) for _ in range(num_envs)]
        self._rewards = np.zeros(num_envs)
        self._numbers = np.zeros(num_envs, np.int64)  # what the trace calls the lap a car is in
        self._length_m = track_length_m
        self._keeps_rows = rows

    def begin(self, k: int, start: EpisodeStart, time_s: float) -> None:
        """An episode of car `k` begins; the one before is forgotten."""
        self.episodes[k] = Episode(k, start.number, start.ndist, time_s, start.is_reversed)
        self._laps[k] = Lap(time_s)
        self._rewards[k], self._numbers[k] = 0.0, start.number

    def add(
        self, cars: Bools, step: Step, verdicts: Verdicts, rewards: Array, pause_s: Array, crashes: Ints
    ) -> None:
        """A step of the `cars` that are set: how long they wait after it, and how often they have crashed.

        What the others get is to be 0.
        """
        self._rewards += rewards
        if self._keeps_rows:
            self._add_rows(cars, step, verdicts, rewards, pause_s, crashes)
        if verdicts.is_eventful:
            for k in (cars & verdicts.faulty).nonzero()[0].tolist():
                self._laps[k].count(STATUSES[verdicts.status[k]])
            for k in (cars & (verdicts.done | (step.at.progress >= 100.0))).nonzero()[0].tolist():
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
        at, every = step.at, cars.all()
        index = slice(None) if every else cars.nonzero()[0]
        numbers = range(len(cars)) if every else index.tolist()
        steering, speed = step.actions[index].T.tolist()
        if step.labels is None:
            labels = [f"[{angle} {fast}]" for angle, fast in zip(steering, speed, strict=True)]
        else:
            labels = [step.labels[k] for k in numbers]
        columns = zip(
            self._numbers[index].tolist(),
            step.numbers[index].astype(float).tolist(),
            at.x_m[index].tolist(),
            at.y_m[index].tolist(),
            at.heading_deg[index].tolist(),
            steering,
            speed,
            labels,
            rewards[index].tolist(),
            verdicts.done[index].tolist(),
            (at.wheels_on_road[index] == 4).tolist(),
            at.progress[index].tolist(),
            at.closest_waypoint[index].tolist(),
            repeat(self._length_m),
            step.time_s[index].tolist(),
            [_STATUS_TEXTS[code] for code in verdicts.status[index].tolist()],
            pause_s[index].tolist(),
            crashes[index].tolist(),
            repeat(time.time()),
            strict=False,
        )
        for k, row in zip(numbers, map(TraceRow._make, columns), strict=True):
            rows = self.episodes[k].rows
            if len(rows) == 1:  # the prepare step shows the action of the driver, too
                rows[0] = rows[0]._replace(steer=row.steer, throttle=row.throttle, action=row.action)
            rows.append(row)
