"""Records what K cars do: always laps and total rewards, rows of the trace if wanted. No numba."""

from __future__ import annotations

import time
from collections.abc import Sequence

from drcli.contract.episode import STATUSES, Episode, Lap, Status, TraceRow
from drcli.sim.races.race_type import EpisodeStart
from drcli.sim.step import Step
from drcli.sim.verdicts import Verdicts

_LAP_COMPLETE = Status.LAP_COMPLETE.code


class EpisodeRecords:
    """The episodes that K cars are in; `track_length_m` is what the trace calls track_len."""

    def __init__(self, num_envs: int, track_length_m: float, *, rows: bool) -> None:
        self.episodes = [Episode(k, 0, 0.0, 0.0) for k in range(num_envs)]
        self._laps = [Lap(0.0) for _ in range(num_envs)]
        self._numbers = [0] * num_envs  # the trace's number of each car's current lap
        self._crashes = [0] * num_envs
        self._length_m = track_length_m
        self._keeps_rows = rows

    def begin(self, k: int, start: EpisodeStart, time_s: float) -> None:
        """Start an episode of car `k`; the previous one is dropped."""
        self.episodes[k] = Episode(k, start.number, start.ndist, time_s, start.is_reversed)
        self._laps[k] = Lap(time_s)
        self._numbers[k], self._crashes[k] = start.number, 0

    def add(self, step: Step, verdicts: Verdicts, rewards: Sequence[float], pause_s: Sequence[float]) -> None:
        """Add a step, with the reward of each car and how long it waits after the step."""
        for k in step.cars:
            self.episodes[k].reward += rewards[k]
        if not self._keeps_rows and not verdicts.is_eventful:
            return
        events, now = verdicts.block.tolist(), time.time()
        for k in step.cars:
            code, terminated, truncated, _, completed = events[k]
            status, is_over = STATUSES[code], terminated or truncated
            if code > _LAP_COMPLETE:
                self._laps[k].count(status)
                self._crashes[k] += status is Status.CRASHED
            if self._keeps_rows:
                self._add_row(k, step, (status.value, is_over, rewards[k], pause_s[k], now))
            if is_over or completed:
                self._close_lap(k, step, status)

    def _close_lap(self, k: int, step: Step, status: Status) -> None:
        episode, lap = self.episodes[k], self._laps[k]
        progress, time_s = float(step.at.progress[k]), step.time_s[k]
        lap.end_time_s, lap.status, lap.completion_percentage = time_s, status, int(progress)
        episode.laps.append(lap)
        episode.progress, episode.status, episode.end_time_s = progress, status, time_s
        self._laps[k] = Lap(time_s)
        self._numbers[k] += 1

    def _add_row(self, k: int, step: Step, end: tuple[str, bool, float, float, float]) -> None:
        x, y, heading, _, _, progress, _, _, _, closest, wheels, _, _ = step.rows[k]
        steering, speed = step.actions[k]
        label = f"[{steering} {speed}]" if step.labels is None else step.labels[k]
        status, is_over, reward, pause_s, now = end
        rows = self.episodes[k].rows
        if len(rows) == 1:  # the prepare step also shows the driver's action
            rows[0] = rows[0]._replace(steer=steering, throttle=speed, action=label)
        rows.append(
            TraceRow(
                self._numbers[k],
                float(step.numbers[k]),
                x,
                y,
                heading,
                steering,
                speed,
                label,
                reward,
                is_over,
                wheels == 4,
                progress,
                closest,
                self._length_m,
                step.time_s[k],
                status,
                pause_s,
                self._crashes[k],
                now,
            )
        )
