"""The live view of a run: a line for each event, and a status line while it is running. Rendering is pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from drcli.store.run_status import RunStatus


def format_duration(seconds: float) -> str:
    """`42 s`, `3 min 05 s`, `2 h 07 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def format_status_line(status: RunStatus) -> str:
    """The current state of the run as one line for a terminal."""
    if status.phase == "teacher":
        return f"the teacher learns to drive · {status.teacher_steps:,} steps without pictures"
    parts = [
        f"iteration {status.iteration}",
        f"{status.steps:,} steps",
        f"{status.steps_per_s:,.0f} steps/s",
        f"{status.episodes} episodes",
    ]
    if status.reward is not None:
        parts.append(f"reward {status.reward:.1f}")
    if status.evaluation_progress is not None:
        parts.append(f"evaluation {status.evaluation_progress:.0f} %")
    return " · ".join(parts)


def format_outcome(status: RunStatus) -> str:
    """The result of a finished run: how long it took, its speed and how well the model drives."""
    lines = [
        f"The run ended after {format_duration(status.elapsed_s)}: {status.stop_reason}.",
        f"{status.steps:,} steps in {status.iteration} iterations and {status.episodes} episodes, "
        f"{status.steps_per_s:,.0f} steps/s: {status.real_time_factor:.1f} times real time.",
    ]
    if status.evaluation_progress is not None:
        lines.append(
            f"The model drives {status.evaluation_progress:.0f} % of a lap on {status.world_name} (last of "
            f"{status.evaluations} evaluations); checkpoints: best {status.best_checkpoint}, "
            f"last {status.last_checkpoint}."
        )
    else:
        lines.append(f"The model has not been evaluated yet; last checkpoint {status.last_checkpoint}.")
    return "\n".join(lines)


@dataclass
class Chronicle:
    """Turns successive states of a run into lines; reports each event once."""

    _evaluations: int = 0
    _teacher: str = ""
    _state: str = ""

    def news(self, status: RunStatus) -> Iterator[str]:
        """Lines about events since the last call."""
        if status.state != self._state and status.state == "training":
            count = f"{status.workers} workers" if status.workers > 1 else "1 worker"
            yield f"Training {status.prefix} on {status.world_name} with {count}, seed {status.seed}."
        self._state = status.state
        if status.teacher != self._teacher and status.phase != "pixels":
            self._teacher = status.teacher
            yield (
                f"{format_duration(status.elapsed_s):>9}  teacher, {status.teacher_steps:,} steps without pictures: "
                f"{status.teacher}"
            )
        if status.evaluations > self._evaluations and status.evaluation_progress is not None:
            self._evaluations = status.evaluations
            yield (
                f"{format_duration(status.elapsed_s):>9}  {format_status_line(status)}"
                f" (best {status.best_checkpoint})"
            )
            if status.student:
                yield f"{'':>9}  student: {status.student}"
