"""Curves of several models in one figure."""

from __future__ import annotations

from collections.abc import Sequence

from drcli.store.learning_curve import LearningCurve
from drcli.watch.figures import drawing
from drcli.watch.figures.drawing import DASHES, SERIES, Drawing, NoData


def draw_compared(curves: Sequence[tuple[str, LearningCurve]], quantity: str, label: str) -> Drawing:
    """A quantity of several models over the iterations, `reward` or `progress`: training thin, evaluation with dots."""
    figure = drawing.new_figure(height_in=3.6)
    axes = figure.add_subplot(xlabel="iteration", ylabel=label)
    told = []
    for number, (name, curve) in enumerate(curves):
        colour, dash = SERIES[number % len(SERIES)], DASHES[number % len(DASHES)]
        rows = [p for p in curve.points if p.phase != "teacher" and getattr(p, quantity) is not None]
        if rows:
            values = [float(getattr(point, quantity)) for point in rows]
            axes.plot(
                [p.iteration for p in rows], values, color=colour, linestyle=dash, label=f"{name}, training"
            )
            told.append(f"{name} in training {values[0]:.0f} to {values[-1]:.0f}")
        if curve.evaluations:
            values = [float(getattr(each, quantity)) for each in curve.evaluations]
            at = [each.iteration for each in curve.evaluations]
            axes.plot(at, values, "o", color=colour, label=f"{name}, evaluation")
            told.append(f"{name} in the last evaluation {values[-1]:.0f}")
    if not told:
        raise NoData("none of the models has a curve")
    drawing.legend(axes)
    return Drawing(figure, f"{label.capitalize()} of {len(curves)} models: {'; '.join(told)}.")
