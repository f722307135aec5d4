"""Who wins a race of several models: more of the laps first, then fewer seconds for them, penalties included. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from drcli.contract.episode import Episode, Lap
from drcli.services.evaluator.lineup import Contestant

FULL_LAP = 100  # percent


@dataclass(frozen=True)
class Standing:
    """The result of one model: `progress` is the sum over its laps in percent, `time_s` that of their seconds.

    place: 1 for the winner; the same for all if there is none.
    """

    model: str
    checkpoint: str
    place: int
    laps: int
    progress: int
    time_s: float
    best_lap_s: float | None
    crashes: int
    off_track: int
    resets: int

    def to_dict(self) -> dict[str, object]:
        """For JSON."""
        return asdict(self)


def standings(
    contestants: Sequence[Contestant], driven: Sequence[Sequence[Episode]], trials: int
) -> tuple[Standing, ...]:
    """The results of the contestants, in their order; laps beyond `trials` do not exist."""
    laps = [[lap for episode in episodes for lap in episode.laps][:trials] for episodes in driven]
    merits = [_merit(each) for each in laps]
    places = [1 + sum(other > merit for other in merits) for merit in merits]
    return tuple(
        _standing(contestant, place, each)
        for contestant, place, each in zip(contestants, places, laps, strict=True)
    )


def verdict(found: Sequence[Standing]) -> str:
    """Who wins, and by what, in a sentence."""
    first, *others = sorted(found, key=lambda standing: standing.place)
    if others[0].place == first.place:
        return f"Nobody wins: {first.laps} laps in {first.time_s:.2f} s each."
    if others[0].laps == first.laps and others[0].progress == first.progress:
        return f"{first.model} wins by {others[0].time_s - first.time_s:.2f} s."
    return f"{first.model} wins with {first.laps} laps, {others[0].model} completed {others[0].laps}."


def _merit(laps: Sequence[Lap]) -> tuple[int, float]:
    """What decides: the higher, the better. Times are whole steps, so equal ones are equal but for rounding."""
    progress = sum(lap.completion_percentage for lap in laps)
    return progress, -round(sum(lap.elapsed_s for lap in laps), 6)


def _standing(contestant: Contestant, place: int, laps: Sequence[Lap]) -> Standing:
    complete = [lap.elapsed_s for lap in laps if lap.completion_percentage >= FULL_LAP]
    return Standing(
        model=contestant.params.model_prefix,
        checkpoint=str(contestant.checkpoint),
        place=place,
        laps=len(complete),
        progress=sum(lap.completion_percentage for lap in laps),
        time_s=round(sum(lap.elapsed_s for lap in laps), 6),
        best_lap_s=round(min(complete), 6) if complete else None,
        crashes=sum(lap.crash_count for lap in laps),
        off_track=sum(lap.off_track_count for lap in laps),
        resets=sum(lap.reset_count for lap in laps),
    )
