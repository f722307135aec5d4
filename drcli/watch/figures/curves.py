"""Curves of a training: reward, completion, lap times, what the learner says about itself, speed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, PercentFormatter

from drcli.store.learning_curve import EvaluationPoint, LearningCurve, LearningPoint
from drcli.watch.figures import drawing
from drcli.watch.figures.drawing import BLUE, FAINT, GREEN, ORANGE, SERIES, Drawing, NoData

_SMOOTHED = 5  # points
_NAMES = {
    "entropy": "entropy",
    "surrogate_loss": "policy loss",
    "policy_loss": "policy loss",
    "value_loss": "value loss",
    "kl_divergence": "KL divergence",
    "divergence": "divergence from the teacher",
}


class _Clock:
    """The horizontal axis: iterations, or minutes where several learned one after the other."""

    def __init__(self, curve: LearningCurve) -> None:
        times = [*(point.at for point in curve.points), *(each.at for each in curve.evaluations)]
        phases = {point.phase for point in curve.points}
        self._start = min(times, default=0.0)
        self.is_time = bool(phases - {"pixels"}) and max(times, default=0.0) > self._start
        self.label = "minutes since the start" if self.is_time else "iteration"

    def of(self, rows: Iterable[LearningPoint] | Iterable[EvaluationPoint]) -> list[float]:
        """Where on the axis each row is."""
        return [(row.at - self._start) / 60 if self.is_time else row.iteration for row in rows]


def draw_reward(curve: LearningCurve) -> Drawing:
    """Average reward of an episode, in training and in evaluation."""
    figure = drawing.new_figure()
    axes = figure.add_subplot(ylabel="reward of an episode")
    clock = _Clock(curve)
    rows = [point for point in curve.points if point.reward is not None]
    rewards = [point.reward for point in rows if point.reward is not None]
    if not rows and not curve.evaluations:
        raise NoData("no episode has ended yet")
    _trained(axes, clock, rows, rewards)
    _evaluated(axes, clock, curve, [each.reward for each in curve.evaluations if _is_known(each.reward)])
    _finish(axes, clock, curve)
    return Drawing(figure, _told("Average reward", rewards, "", curve, [e.reward for e in curve.evaluations]))


def draw_completion(curve: LearningCurve) -> Drawing:
    """Mean share of a lap that was driven, in training and in evaluation, and the best model."""
    figure = drawing.new_figure()
    axes = figure.add_subplot(ylabel="lap completed", ylim=(0, 103))
    axes.yaxis.set_major_formatter(PercentFormatter(decimals=0))
    clock = _Clock(curve)
    rows = [point for point in curve.points if point.progress is not None]
    shares = [point.progress for point in rows if point.progress is not None]
    if not rows and not curve.evaluations:
        raise NoData("no episode has ended yet")
    _trained(axes, clock, rows, shares)
    _evaluated(axes, clock, curve, [each.progress for each in curve.evaluations])
    best = np.maximum.accumulate([each.progress for each in curve.evaluations] or [0.0])
    if curve.evaluations:
        axes.step(
            clock.of(curve.evaluations),
            best,
            where="post",
            color=GREEN,
            linewidth=1.4,
            linestyle="--",
            label="best model",
        )
    _finish(axes, clock, curve)
    return Drawing(figure, _told("Completion", shares, " %", curve, [e.progress for e in curve.evaluations]))


def draw_lap_times(curve: LearningCurve) -> Drawing:
    """Lap times of complete laps in evaluations during the training, and the fastest so far."""
    timed = [each for each in curve.evaluations if each.laps_s]
    if not timed:
        raise NoData("no evaluation during the training has a complete lap")
    figure = drawing.new_figure()
    axes = figure.add_subplot(ylabel="lap time (s)")
    clock = _Clock(curve)
    at = clock.of(timed)
    for x, each in zip(at, timed, strict=True):
        axes.plot([x] * len(each.laps_s), each.laps_s, "o", color=BLUE, alpha=0.45, markersize=4)
    axes.plot([], [], "o", color=BLUE, alpha=0.6, label="a lap")
    axes.plot(at, [median(each.laps_s) for each in timed], color=BLUE, label="median")
    fastest = np.minimum.accumulate([min(each.laps_s) for each in timed])
    axes.step(at, fastest, where="post", color=GREEN, linestyle="--", linewidth=1.4, label="fastest so far")
    _finish(axes, clock, curve)
    laps = [lap for each in timed for lap in each.laps_s]
    return Drawing(
        figure,
        f"{len(laps)} complete laps in {len(timed)} evaluations; the median of the first is "
        f"{median(timed[0].laps_s):.2f} s, that of the last {median(timed[-1].laps_s):.2f} s, the fastest lap took "
        f"{min(laps):.2f} s.",
    )


def draw_lap_distribution(groups: Sequence[tuple[str, Sequence[float]]]) -> Drawing:
    """How lap times are spread; groups: a name and its lap times in seconds, such as training and evaluation."""
    groups = [(name, laps_s) for name, laps_s in groups if len(laps_s)]
    if not groups:
        raise NoData("no lap was completed")
    figure = drawing.new_figure(height_in=1.6 + 1.1 * len(groups))
    every = np.concatenate([np.asarray(laps_s, float) for _, laps_s in groups])
    bins = np.histogram_bin_edges(every, bins=min(40, max(8, len(every) // 3)))
    rows = figure.subplots(len(groups), 1, sharex=True, squeeze=False)[:, 0]
    for axes, (name, laps_s), colour in zip(rows, groups, SERIES * len(groups), strict=False):
        axes.hist(laps_s, bins=bins, color=colour, alpha=0.75)
        middle = median(laps_s)
        axes.axvline(middle, color=drawing.INK, linestyle="--", linewidth=1.2)
        axes.set_title(
            f"{name}: {len(laps_s)} laps, median {middle:.2f} s, fastest {min(laps_s):.2f} s", fontsize=10
        )
        axes.set_ylabel("laps")
        axes.yaxis.set_major_locator(MaxNLocator(3, integer=True))
    rows[-1].set_xlabel("lap time (s)")
    told = "; ".join(
        f"{name}: {len(laps_s)} laps between {min(laps_s):.2f} and {max(laps_s):.2f} s, median {median(laps_s):.2f} s"
        for name, laps_s in groups
    )
    return Drawing(figure, f"Histogram of lap times. {told}.")


def draw_learning(curve: LearningCurve) -> Drawing:
    """Entropy, losses and KL divergence, each in a panel of its own."""
    names = [name for name in _NAMES if any(name in point.stats for point in curve.points)]
    others = sorted({name for point in curve.points for name in point.stats} - set(_NAMES))
    names += others
    if not names:
        raise NoData("the engine that trained this model recorded no losses")
    figure = drawing.new_figure(height_in=1.0 + 1.8 * ((len(names) + 1) // 2))
    panels = figure.subplots((len(names) + 1) // 2, 2, sharex=True, squeeze=False).ravel()
    clock = _Clock(curve)
    told = []
    for axes, name in zip(panels, names, strict=False):
        label = _NAMES.get(name, name.replace("_", " "))
        rows = [point for point in curve.points if name in point.stats]
        values = [point.stats[name] for point in rows]
        _by_phase(axes, clock, rows, values)
        axes.set_title(label, fontsize=10)
        told.append(f"{label} from {values[0]:.3g} to {values[-1]:.3g}")
        _phases(axes, clock, curve, named=False)
    for axes in panels[len(names) :]:
        axes.set_visible(False)
    for axes in panels[max(0, len(names) - 2) : len(names)]:
        axes.set_xlabel(clock.label)
        axes.tick_params(labelbottom=True)
    return Drawing(figure, f"Small line charts of what the learner measures: {'; '.join(told)}.")


def draw_speed(curve: LearningCurve) -> Drawing:
    """Steps per second while driving."""
    rows = [point for point in curve.points if point.steps_per_s is not None]
    if not rows:
        raise NoData("the engine that trained this model recorded no steps per second")
    values = [point.steps_per_s for point in rows if point.steps_per_s is not None]
    figure = drawing.new_figure(height_in=2.6)
    axes = figure.add_subplot(ylabel="steps per second")
    clock = _Clock(curve)
    _by_phase(axes, clock, rows, values)
    axes.set_ylim(bottom=0)
    axes.axhline(15, color=FAINT, linestyle=":", linewidth=1.4)
    axes.annotate(
        "real time, one car",
        (1, 15),
        xycoords=("axes fraction", "data"),
        ha="right",
        va="bottom",
        color=FAINT,
        fontsize=8,
    )
    _finish(axes, clock, curve)
    return Drawing(
        figure,
        f"Steps per second: median {median(values):,.0f}, between {min(values):,.0f} and {max(values):,.0f}.",
    )


def _is_known(value: float | None) -> bool:
    return value is not None and np.isfinite(value)


def _trained(axes: Axes, clock: _Clock, rows: Sequence[LearningPoint], values: Sequence[float]) -> None:
    """The means of training, and what they do over several iterations."""
    for phase in dict.fromkeys(point.phase for point in rows):
        own = [index for index, row in enumerate(rows) if row.phase == phase]
        at, part = clock.of(rows[index] for index in own), [values[index] for index in own]
        label = {"pixels": "training"}.get(phase, phase)
        axes.plot(at, part, color=BLUE, alpha=0.35, linewidth=1.0)
        axes.plot(at, _smooth(part), color=BLUE, linestyle="--" if phase == "teacher" else "-", label=label)


def _evaluated(axes: Axes, clock: _Clock, curve: LearningCurve, values: Sequence[float]) -> None:
    rows = curve.evaluations
    if rows and len(values) == len(rows):
        axes.plot(clock.of(rows), values, "o-", color=ORANGE, linewidth=1.0, label="evaluation")


def _by_phase(axes: Axes, clock: _Clock, rows: Sequence[LearningPoint], values: Sequence[float]) -> None:
    """A line for each who learned, since their values do not continue each other."""
    for phase in dict.fromkeys(point.phase for point in rows):
        own = [
            (x, value)
            for x, value, row in zip(clock.of(rows), values, rows, strict=True)
            if row.phase == phase
        ]
        axes.plot(
            *zip(*own, strict=True),
            color=BLUE,
            linewidth=1.4,
            marker="o" if len(own) < 4 else "",
            markersize=3,
        )


def _finish(axes: Axes, clock: _Clock, curve: LearningCurve) -> None:
    """What all curves share: the axis, the checkpoint that is the best, phases, the legend."""
    axes.set_xlabel(clock.label)
    axes.xaxis.set_major_locator(MaxNLocator("auto", integer=not clock.is_time))
    if curve.evaluations:
        name = curve.evaluations[-1].best_checkpoint
        best = next((each for each in curve.evaluations if name and each.checkpoint == name), None)
        if best is not None:
            axes.axvline(
                clock.of([best])[0], color=GREEN, linestyle=":", linewidth=1.4, label="best checkpoint"
            )
    _phases(axes, clock, curve, named=True)
    drawing.legend(axes, loc="best")


def _phases(axes: Axes, clock: _Clock, curve: LearningCurve, *, named: bool) -> None:
    """Where another one begins to learn."""
    phases = list(dict.fromkeys(point.phase for point in curve.points))
    if len(phases) < 2:
        return
    for phase in phases:
        rows = [point for point in curve.points if point.phase == phase]
        start = clock.of(rows[:1])[0]
        axes.axvline(start, color=FAINT, linewidth=0.8)
        if named:
            axes.annotate(
                f" {phase}",
                (start, 1.0),
                xycoords=("data", "axes fraction"),
                va="bottom",
                color=FAINT,
                fontsize=8,
            )


def _smooth(values: Sequence[float]) -> list[float]:
    """The mean of each value and those just before it."""
    return [float(np.mean(values[max(0, i - _SMOOTHED + 1) : i + 1])) for i in range(len(values))]


def _told(
    what: str, trained: Sequence[float], unit: str, curve: LearningCurve, evaluated: Sequence[float]
) -> str:
    parts = []
    if trained:
        parts.append(
            f"in training from {trained[0]:.1f}{unit} to {trained[-1]:.1f}{unit} over {len(trained)} points, at most "
            f"{max(trained):.1f}{unit}"
        )
    if evaluated:
        parts.append(f"in the last of {len(evaluated)} evaluations {evaluated[-1]:.1f}{unit}")
    return f"{what}: {'; '.join(parts)}."
