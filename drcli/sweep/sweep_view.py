"""A sweep at a glance: how far each variant is, for the screen, for lines and for JSON."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Any

from drcli.sweep.sweep_folder import Sweep, SweepFolder, VariantState
from drcli.sweep.sweep_table import WORDS, Model, Row, matrix, rank, winner
from drcli.watch.run_progress import format_duration

if TYPE_CHECKING:
    from rich.console import RenderableType

_STYLES = {"training": "cyan", "evaluating": "cyan", "done": "green", "failed": "red", "pruned": "yellow"}


@dataclass(frozen=True)
class Overview:
    """The sweep, its variants and how far they are, read once. is_running: whether its process runs."""

    sweep: Sweep
    models: tuple[Model, ...]
    is_running: bool
    is_stopping: bool

    @classmethod
    def of(cls, folder: SweepFolder) -> Overview:
        """Read it."""
        models = tuple((variant, variant.state) for variant in folder.variants())
        return cls(folder.read(), models, folder.process is not None, folder.stop_request.exists())

    @property
    def total(self) -> int:
        """How many variants there will be."""
        return max(len(self.models), self.sweep.trials or 0)

    @property
    def over(self) -> int:
        """How many are over."""
        return sum(state.is_over for _, state in self.models)

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to do."""
        return self.over >= self.total

    @property
    def state(self) -> str:
        """`running`, `ended`, `stopped` or `interrupted`: its process was killed, or the machine was restarted."""
        if self.is_over:
            return "ended"
        if self.is_running:
            return "stopping" if self.is_stopping else "running"
        return "stopped" if self.is_stopping else "interrupted"

    @property
    def left_s(self) -> float | None:
        """Seconds that are left, from what finished variants took; None before the first one."""
        ends = ("done", "pruned")
        took = [state.ended_at - state.started_at for _, state in self.models if state.state in ends]
        if not took or self.is_over:
            return None
        done_s = sum(time.time() - s.started_at for _, s in self.models if not s.is_over and s.started_at)
        return max(0.0, (self.total - self.over) * fmean(took) - done_s) / min(
            self.sweep.at_a_time, self.total
        )

    def rows(self) -> list[Row]:
        """The table, ranked."""
        return rank(self.sweep, self.models)

    def news(self, said: set[str]) -> Iterator[str]:
        """A line for each variant that is over and not in `said`, to which it is added."""
        for variant, state in self.models:
            if state.is_over and variant.name not in said:
                said.add(variant.name)
                yield f"{variant.name}: {outcome(state)}"

    def to_dict(self) -> dict[str, object]:
        """For JSON."""
        rows = self.rows()
        first = winner(rows)
        return {
            "name": self.sweep.name,
            "state": self.state,
            "rank_by": self.sweep.rank_by,
            "tracks": list(self.sweep.tracks),
            "winner": first.prefix if first else None,
            "rows": [row.to_dict() for row in rows],
            "matrix": matrix(self.models),
            "variants": [
                {
                    "name": v.name,
                    "group": v.group,
                    "seed": v.seed,
                    "prefix": v.prefix,
                    "choices": dict(v.choices),
                }
                | asdict(state)
                for v, state in self.models
            ],
        }


def outcome(state: VariantState) -> str:
    """How a variant ended, in words."""
    if state.state == "failed":
        return f"failed: {state.message}"
    if state.state == "pruned":
        return state.message
    if not state.results:
        return WORDS.get(state.state, state.state)
    laps, trials = sum(r.laps for r in state.results), sum(r.trials for r in state.results)
    times = [r.mean_lap_s for r in state.results if r.mean_lap_s is not None]
    mean = f", {fmean(times):.2f} s on average" if times else ""
    resets = sum(r.resets for r in state.results)
    return f"{laps} of {trials} laps{mean}, {resets} reset{'' if resets == 1 else 's'}"


def status_line(overview: Overview) -> str:
    """The sweep in one line."""
    counts = Counter(state.state for _, state in overview.models)
    parts = [f"{overview.over} of {overview.total} done"]
    parts += [f"{counts[name]} {name}" for name in ("training", "evaluating", "failed") if counts[name]]
    if overview.left_s is not None:
        parts.append(f"about {format_duration(overview.left_s)} left")
    return f"{overview.sweep.name}: {', '.join(parts)}"


def draw(overview: Overview, width: int, height: int = 0) -> RenderableType:
    """The sweep as a table that fits the terminal; height 0: as long as it is."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for name in ("variant", "run", "state", "time", ""):
        table.add_column(
            name, no_wrap=True, overflow="ellipsis", justify="right" if name == "time" else "left"
        )
    for variant, state in _visible(overview, height - 4 if height else 0):
        line = outcome(state) if state.is_over else state.progress
        run = str(state.run_id) if state.run_id is not None and not state.is_over else ""
        word = Text(WORDS.get(state.state, state.state), _STYLES.get(state.state, "dim"))
        table.add_row(Text(variant.name), run, word, _time(state), Text(line))
    return Group(Text(status_line(overview), "bold"), Text(""), table)


def _visible(overview: Overview, most: int) -> list[Model]:
    """All variants, or those that matter most: what is on its way, then the last that have ended, then the next."""
    models = list(overview.models)
    if most <= 0 or len(models) <= most:
        return models
    first = next((n for n, (_, state) in enumerate(models) if not state.is_over), len(models))
    start = min(max(0, first - most // 2), len(models) - most)
    return models[start : start + most]


def _time(state: Any) -> str:
    if not state.started_at:
        return ""
    return format_duration((state.ended_at or time.time()) - state.started_at)
