"""How long a sweep takes and how much it writes: from what earlier variants took here, within the limits of its own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median

from drcli.config.settings import Settings
from drcli.launch.launcher import Capacity, launcher_of
from drcli.launch.simapp import is_ours
from drcli.paths import Workspace
from drcli.sweep.sweep_folder import folders

_PROCESS_BYTES = 1 << 30  # of a trainer or a worker, generously
_KEPT = 4  # checkpoints of a model
# A checkpoint of the shallow network with its graph; of guided trainings with the teacher's part.
_CHECKPOINT_BYTES, _GUIDED_CHECKPOINT_BYTES = 71_000_000, 94_000_000
_EVALUATION_BYTES = 2_000_000
_GUIDED_S = 45.0  # a guided training and its evaluation on a core; those of other methods depend on the track


@dataclass(frozen=True)
class Estimate:
    """seconds: None if nothing is known but the limit; limit_s: at most; disk_bytes: of all models together."""

    variants: int
    at_a_time: int
    seconds: float | None
    limit_s: float | None
    disk_bytes: int
    reason: str

    def to_dict(self) -> dict[str, object]:
        """For JSON."""
        return asdict(self)


def room(settings: Settings) -> tuple[int, Capacity]:
    """How many trainings fit at a time, and into what. Raises DrError if that cannot be determined."""
    capacity = launcher_of(settings.docker_style).capacity()
    return fitting(capacity, settings.workers, takes_turns=is_ours(settings)), capacity


def fitting(capacity: Capacity, workers: int, *, takes_turns: bool) -> int:
    """How many trainings fit, at least one. Pure.

    takes_turns: in our engine the trainer waits for its workers and they for it, so they share their cores
    (docs/sweeps.md has what was measured); Gazebo keeps them busy all the time.
    """
    by_cores = capacity.cores // (workers if takes_turns else workers + 1)
    by_memory = capacity.memory_bytes // ((1 + workers) * _PROCESS_BYTES)
    return max(1, min(by_cores, by_memory, 50))


def estimate(
    workspace: Workspace, variants: Sequence[Settings], at_a_time: int, tracks: int, keep: str
) -> Estimate:
    """The estimate for these variants, each evaluated on a number of tracks."""
    rounds = math.ceil(len(variants) / at_a_time)
    limits = [settings.train_max_minutes for settings in variants]
    limit = (
        sum(minutes * 60 for minutes in limits if minutes) / len(variants) * rounds if all(limits) else None
    )
    seconds, reason = _typical(workspace, variants)
    checkpoints = 1 if keep == "best" else _KEPT
    return Estimate(
        variants=len(variants),
        at_a_time=at_a_time,
        seconds=None if seconds is None else seconds * rounds,
        limit_s=limit,
        disk_bytes=sum(checkpoints * _checkpoint_bytes(each) for each in variants)
        + tracks * len(variants) * _EVALUATION_BYTES,
        reason=reason,
    )


def _checkpoint_bytes(settings: Settings) -> int:
    return _GUIDED_CHECKPOINT_BYTES if settings.train_method == "guided" else _CHECKPOINT_BYTES


def _typical(workspace: Workspace, variants: Sequence[Settings]) -> tuple[float | None, str]:
    """Seconds of one variant, and how that is known."""
    method = {settings.train_method for settings in variants}
    took = [
        state.ended_at - state.started_at
        for folder in folders(workspace)
        for variant in folder.variants()
        if (state := variant.state).state == "done" and state.ended_at > state.started_at > 0
    ]
    if took:
        return median(took), f"earlier variants took {median(took):.0f} s each"
    if method == {"guided"} and all(is_ours(settings) for settings in variants):
        return _GUIDED_S, f"guided trainings take about {_GUIDED_S:.0f} s each"
    return None, "how long a training from pixels takes depends on the track"
