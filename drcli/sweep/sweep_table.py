"""The table of a sweep: one row per variant, seeds taken together, ranked by what its file asks for. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from statistics import fmean
from typing import Any

from drcli.sweep.sweep_folder import Sweep, TrackResult, VariantFolder, VariantState
from drcli.sweep.variant_keys import SEEDS

WORDS = {"pruned": "ended early"}  # states that are called something else on the screen
_LONGEST = 38  # characters of a value in a table
Model = tuple[VariantFolder, VariantState]


@dataclass(frozen=True)
class Row:
    """A line of the table: means over seeds; `spread`: half the distance between the best and the worst seed.

    Times in seconds, penalties included; mean_lap_s and best_lap_s: means over the tracks, None without a lap on one.
    prefix: of its best model; choices: what it was trained with, apart from the seed.
    """

    place: int | None
    variant: str
    models: int
    state: str
    laps: float
    trials: int
    completion: float | None
    best_lap_s: float | None
    mean_lap_s: float | None
    spread: float | None
    resets: float | None
    steps: float | None
    seconds: float | None
    prefix: str
    message: str = ""
    choices: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, object]:
        """For JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Standing:
    """How one model did over all its tracks."""

    laps: int
    trials: int
    completion: float
    best_lap_s: float | None
    mean_lap_s: float | None
    resets: int

    @classmethod
    def of(cls, results: Sequence[TrackResult]) -> Standing:
        """Over these tracks, at least one."""
        return cls(
            laps=sum(result.laps for result in results),
            trials=sum(result.trials for result in results),
            completion=fmean(result.completion for result in results),
            best_lap_s=_mean([result.best_lap_s for result in results]),
            mean_lap_s=_mean([result.mean_lap_s for result in results]),
            resets=sum(result.resets for result in results),
        )

    def merit(self, criterion: str) -> tuple[float, ...]:
        """What it is ranked by: less is better. Models that do not complete their laps come after those that do."""
        mean = math.inf if self.mean_lap_s is None else self.mean_lap_s
        best = math.inf if self.best_lap_s is None else self.best_lap_s
        missing = float(self.trials - self.laps)
        return {
            "mean_lap": (missing, mean, self.resets),
            "best_lap": (best, mean, self.resets),
            "laps": (missing, self.resets, mean),
            "completion": (-self.completion, missing, mean),
            "resets": (self.resets, missing, mean),
        }[criterion] + (missing, mean, -self.completion)

    def value(self, criterion: str) -> float | None:
        """The criterion itself."""
        values: dict[str, float | None] = {
            "mean_lap": self.mean_lap_s,
            "best_lap": self.best_lap_s,
            "laps": self.laps,
            "completion": self.completion,
            "resets": self.resets,
        }
        return values[criterion]


def rank(sweep: Sweep, models: Iterable[Model]) -> list[Row]:
    """The rows, the best first; those without results last, in their order."""
    groups: dict[str, list[Model]] = {}
    for model in models:
        groups.setdefault(model[0].group, []).append(model)
    rows = [(_merit(sweep, group), _row(sweep, name, group)) for name, group in groups.items()]
    rows.sort(key=lambda pair: (pair[0] is None, pair[0] or ()))
    return [
        Row(**{**asdict(row), "place": place if merit is not None else None})
        for place, (merit, row) in enumerate(rows, start=1)
    ]


def matrix(models: Iterable[Model]) -> list[dict[str, object]]:
    """Groups down, tracks across: the mean lap, and how many of the laps were completed if not all were."""
    groups: dict[str, dict[str, list[TrackResult]]] = {}
    for folder, state in models:
        for result in state.results:
            groups.setdefault(folder.group, {}).setdefault(result.world_name, []).append(result)
    tracks = list(dict.fromkeys(track for own in groups.values() for track in own))
    return [
        {"variant": group, **{track: _cell(own.get(track, [])) for track in tracks}}
        for group, own in groups.items()
    ]


def _cell(results: Sequence[TrackResult]) -> str:
    if not results:
        return "–"
    laps, trials = sum(r.laps for r in results), sum(r.trials for r in results)
    times = [r.mean_lap_s for r in results if r.mean_lap_s is not None]
    text = f"{fmean(times):.2f} s" if times else f"{fmean(r.completion for r in results):.0f} %"
    return text if laps == trials else f"{text} ({laps} of {trials} laps)"


def _merit(sweep: Sweep, group: Sequence[Model]) -> tuple[float, ...] | None:
    """The mean merit of its seeds; None without a result."""
    merits = [Standing.of(state.results).merit(sweep.rank_by) for _, state in group if state.results]
    if not merits:
        return None
    return tuple(
        fmean(parts) if all(map(math.isfinite, parts)) else math.inf for parts in zip(*merits, strict=True)
    )


def _row(sweep: Sweep, name: str, group: Sequence[Model]) -> Row:
    driven = [(folder, state, Standing.of(state.results)) for folder, state in group if state.results]
    standings = [standing for _, _, standing in driven]
    values = [v for v in (standing.value(sweep.rank_by) for standing in standings) if v is not None]
    best = min(driven, key=lambda entry: entry[2].merit(sweep.rank_by), default=None)
    states = dict.fromkeys(state.state for _, state in group)
    return Row(
        place=None,
        variant=name,
        models=len(group),
        state="/".join(states),
        laps=sum(standing.laps for standing in standings),
        trials=sum(standing.trials for standing in standings),
        completion=_mean([standing.completion for standing in standings]),
        best_lap_s=_mean([standing.best_lap_s for standing in standings], strict=False),
        mean_lap_s=_mean([standing.mean_lap_s for standing in standings], strict=False),
        spread=round((max(values) - min(values)) / 2, 3) if len(values) > 1 else None,
        resets=_mean([standing.resets for standing in standings]),
        steps=_mean([state.steps for _, state in group], strict=False),
        seconds=_mean([state.trained_s for _, state in group], strict=False),
        prefix=best[0].prefix if best else group[0][0].prefix,
        message=next((state.message for _, state in group if state.message), ""),
        choices={key: value for key, value in group[0][0].choices.items() if key not in SEEDS},
    )


def _mean(values: Sequence[float | int | None], *, strict: bool = True) -> float | None:
    """The mean; with `strict` None if one of them is unknown, otherwise of those that are known."""
    known = [value for value in values if value is not None]
    if not known or (strict and len(known) < len(values)):
        return None
    return round(fmean(known), 3)


def winner(rows: Sequence[Row]) -> Row | None:
    """The first row, if its model has driven a lap."""
    first = rows[0] if rows and rows[0].place else None
    return first if first is not None and first.laps else None


def as_csv_rows(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """For CSV: a column for each choice."""
    rows = list(rows)
    keys = dict.fromkeys(key for row in rows for key in row.choices)
    found = []
    for row in rows:
        bare = {name: value for name, value in row.to_dict().items() if name != "choices"}
        found.append(bare | {key: row.choices.get(key, "") for key in keys})
    return found


def in_words(choices: Mapping[str, Any]) -> str:
    """What a model was trained with: `hyperparameters.lr 0.0003, reward_function rewards/speed.py`."""
    return ", ".join(f"{key} {short(value)}" for key, value in choices.items())


def short(value: object) -> str:
    """A value in a cell of a table."""
    text = str(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}…"


def as_rows(rows: Iterable[Row], shown: Sequence[str] = ()) -> list[dict[str, Any]]:
    """For the table on the screen: short. shown: the choices that variants' names do not tell."""
    return [
        {
            "variant": row.variant if row.models == 1 else f"{row.variant} (x{row.models})",
            **{key.rpartition(".")[2]: short(row.choices.get(key, "")) for key in shown},
            "laps": f"{row.laps:g} of {row.trials}" if row.trials else "",
            "best lap": _seconds(row.best_lap_s),
            "mean lap": _seconds(row.mean_lap_s),
            "spread": "" if row.spread is None else f"±{row.spread:.2f}",
            "resets": "" if row.resets is None else f"{row.resets:.3g}",
            "steps": "" if row.steps is None else f"{row.steps:,.0f}",
            "seconds": "" if row.seconds is None else f"{row.seconds:,.0f}",
            "prefix": row.prefix if row.trials else WORDS.get(row.state, row.state),
        }
        for row in rows
    ]


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.2f} s"
