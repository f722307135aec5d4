"""The trials of an evaluation, as the console's table lists them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from drcli.contract.episode import Status
from drcli.store.metrics import STATUS_LABELS
from drcli.watch.recordings.recorded_episode import RecordedEpisode


@dataclass(frozen=True)
class Trial:
    """A trial or lap. status: as in the metrics, `Off track`, but `Lap complete` for all laps, not only the last;
    the counts: how often each fault happened.

    penalty_s: the part of time_s in which the car stood for its faults; None if no trace tells it.
    """

    trial: int
    time_s: float
    status: str
    progress: float
    resets: int
    off_track: int
    crashed: int
    reversed: int
    immobilized: int
    penalty_s: float | None = None

    @property
    def is_lap(self) -> bool:
        """Whether the lap is complete."""
        return self.progress >= 100


def trial_of_row(row: Mapping[str, Any], penalty_s: float | None) -> Trial:
    """From a row of the metrics; columns that an engine does not write count as 0."""
    progress = float(row.get("completion_percentage", 0))
    return Trial(
        trial=int(row.get("trial", 0)),
        time_s=float(row.get("elapsed_time_in_milliseconds", 0)) / 1000,
        status=STATUS_LABELS["lap_complete"] if progress >= 100 else str(row.get("episode_status", "")),
        progress=progress,
        resets=int(row.get("reset_count", 0)),
        off_track=int(row.get("off_track_count", 0)),
        crashed=int(row.get("crash_count", 0)),
        reversed=int(row.get("reversed_count", 0)),
        immobilized=int(row.get("immobilized_count", 0)),
        penalty_s=penalty_s,
    )


def trial_of_episode(number: int, episode: RecordedEpisode) -> Trial:
    """From a trace."""
    off_track, crashed, turned, stuck = (
        episode.count(status)
        for status in (Status.OFF_TRACK, Status.CRASHED, Status.REVERSED, Status.IMMOBILIZED)
    )
    return Trial(
        trial=number,
        time_s=episode.time_s,
        status=STATUS_LABELS.get(episode.status, episode.status),
        progress=episode.progress,
        resets=off_track + crashed + turned + stuck,
        off_track=off_track,
        crashed=crashed,
        reversed=turned,
        immobilized=stuck,
        penalty_s=episode.pause_s,
    )
