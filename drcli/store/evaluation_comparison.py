"""Evaluations side by side: the last one of each model, and which of them is the best at what. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from drcli.store.evaluation_list import EvaluationInfo

Number = float | None


@dataclass(frozen=True)
class Figure:
    """A figure of an evaluation: what it is called, where it is, and which is better, the higher or the lower.

    alike: what has to be the same for all, and known, or it says nothing: lap times depend on the track, sums on laps.
    """

    name: str
    read: Callable[[EvaluationInfo], Number]
    is_higher_better: bool = False
    alike: tuple[str, ...] = ()

    def is_comparable(self, evaluations: Sequence[EvaluationInfo]) -> bool:
        """Whether these evaluations are alike in what it depends on."""
        values = [{getattr(info, name) for info in evaluations} for name in self.alike]
        return all(len(found) == 1 and None not in found for found in values)


FIGURES = (
    Figure("complete", lambda info: info.complete, is_higher_better=True, alike=("trials",)),
    Figure("completion", lambda info: info.completion, is_higher_better=True),
    Figure("best_lap_s", lambda info: info.best_lap_s, alike=("world_name",)),
    Figure("mean_lap_s", lambda info: info.mean_lap_s, alike=("world_name",)),
    Figure("resets", lambda info: info.resets, alike=("trials",)),
    Figure("off_track", lambda info: info.off_track, alike=("trials",)),
    Figure("crashes", lambda info: info.crashes, alike=("trials",)),
)


@dataclass(frozen=True)
class Comparison:
    """Evaluations, one per model, and by figure the models that are the best; none if all are the same."""

    evaluations: tuple[EvaluationInfo, ...]
    best: Mapping[str, tuple[str, ...]]

    @property
    def differences(self) -> tuple[str, ...]:
        """What makes them hard to compare, one line each."""
        tracks = sorted({info.world_name or "an unknown one" for info in self.evaluations})
        races = sorted({info.race_type or "an unknown one" for info in self.evaluations})
        trials = sorted({info.trials for info in self.evaluations})
        lines = []
        if len(tracks) > 1:
            lines.append(
                f"They drove on different tracks, so lap times are not compared: {', '.join(tracks)}."
            )
        if len(races) > 1:
            lines.append(f"They drove different races, so traffic may have cost time: {', '.join(races)}.")
        if len(trials) > 1:
            lines.append(
                f"They drove different numbers of laps, so sums are not compared: {', '.join(map(str, trials))}."
            )
        return tuple(lines)


def latest(evaluations: Iterable[EvaluationInfo], models: Sequence[str], track: str = "") -> Comparison:
    """Compare the last evaluation of each of `models`, or of all models in their order; on `track` only, if given."""
    found: dict[str, EvaluationInfo] = {}
    for info in sorted(evaluations, key=lambda info: info.started):
        if not track or info.world_name == track:
            found[info.model] = info
    names = models or sorted(found)
    return compare([found[name] for name in dict.fromkeys(names) if name in found])


def compare(evaluations: Sequence[EvaluationInfo]) -> Comparison:
    """Find the best of these evaluations, figure by figure."""
    figures = [figure for figure in FIGURES if figure.is_comparable(evaluations)]
    return Comparison(tuple(evaluations), {figure.name: _best(figure, evaluations) for figure in figures})


def _best(figure: Figure, evaluations: Sequence[EvaluationInfo]) -> tuple[str, ...]:
    values = {info.model: value for info in evaluations if (value := figure.read(info)) is not None}
    if not values:
        return ()
    wanted = max(values.values()) if figure.is_higher_better else min(values.values())
    best = tuple(model for model, value in values.items() if value == wanted)
    return () if len(best) == len(evaluations) else best
