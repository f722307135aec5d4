"""The kinds of pictures, in the order of a report. A new one is a function that draws it and a row here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from drcli.watch.figures import compared_curves, curves, lap_figures, road_pictures
from drcli.watch.figures.drawing import Drawing
from drcli.watch.report.report_subject import Subject


@dataclass(frozen=True)
class Kind:
    """A picture of one model: the heading above it, what it shows, and how it is drawn (which may raise NoData)."""

    title: str
    shows: str
    draw: Callable[[Subject], Drawing]


@dataclass(frozen=True)
class Comparison:
    """The same for a picture of several models."""

    title: str
    shows: str
    draw: Callable[[Sequence[Subject]], Drawing]


CURVES = {
    "reward": Kind(
        "Average reward",
        "Mean reward of the episodes of each iteration, and of evaluations.",
        lambda model: curves.draw_reward(model.curve),
    ),
    "completion": Kind(
        "Completion",
        "Mean share of a lap, in training and in evaluation, and the best model so far.",
        lambda model: curves.draw_completion(model.curve),
    ),
    "lap-times": Kind(
        "Lap times",
        "Complete laps in the evaluations during the training, their median, the fastest so far.",
        lambda model: curves.draw_lap_times(model.curve),
    ),
    "lap-distribution": Kind(
        "Distribution of lap times",
        "How many laps took how long, in training and in evaluations.",
        lambda model: curves.draw_lap_distribution(model.lap_times),
    ),
    "learning": Kind(
        "Entropy, losses, KL divergence",
        "What the learner measures in each iteration.",
        lambda model: curves.draw_learning(model.curve),
    ),
    "speed": Kind(
        "Steps per second",
        "How fast the training drove.",
        lambda model: curves.draw_speed(model.curve),
    ),
}
OFF_TRACK = {  # which need no map
    "progress": Kind(
        "Reward over progress",
        "Whether episodes that come further, and faster laps, get more reward.",
        lambda model: lap_figures.draw_progress(model.episodes),
    ),
}
TRACK = {
    "laps": Kind(
        "Laps by speed",
        "The lines that were driven, coloured by speed.",
        lambda model: road_pictures.draw_laps(model.track, model.episodes, "speed"),
    ),
    "laps-reward": Kind(
        "Laps by reward",
        "The same lines, coloured by the reward of each step.",
        lambda model: road_pictures.draw_laps(model.track, model.episodes, "reward"),
    ),
    "ends": Kind(
        "Where episodes end",
        "The place and the reason of each end that is not a complete lap.",
        lambda model: road_pictures.draw_ends(model.track, model.episodes),
    ),
    "waypoints": Kind(
        "Reward per waypoint",
        "Mean reward of a step at each waypoint, on the map and as a line.",
        lambda model: road_pictures.draw_reward_by_waypoint(model.track, model.episodes),
    ),
    "actions": Kind(
        "Actions per turn",
        "How often each action was chosen in each turn and straight.",
        lambda model: lap_figures.draw_actions(model.track, model.episodes),
    ),
    "sectors": Kind(
        "Sector times",
        "Seconds in each of six sectors: all laps, their median, the fastest lap.",
        lambda model: lap_figures.draw_sectors(model.track, model.episodes),
    ),
    "fastest": Kind(
        "Fastest against median lap",
        "Lines and speeds of both laps.",
        lambda model: lap_figures.draw_fastest_and_median(model.track, model.episodes),
    ),
    **OFF_TRACK,
}
COMPARED = {
    "compare-reward": Comparison(
        "Average reward compared",
        "Reward of several models over the iterations.",
        lambda models: compared_curves.draw_compared(
            [(m.name, m.curve) for m in models], "reward", "reward of an episode"
        ),
    ),
    "compare-completion": Comparison(
        "Completion compared",
        "Completion of several models over the iterations.",
        lambda models: compared_curves.draw_compared(
            [(m.name, m.curve) for m in models], "progress", "lap completed (%)"
        ),
    ),
    "compare-laps": Comparison(
        "Lap times compared",
        "How the lap times of several models are spread.",
        lambda models: curves.draw_lap_distribution(
            [(m.name, [lap for _, laps_s in m.lap_times for lap in laps_s]) for m in models]
        ),
    ),
}
KINDS: dict[str, Kind | Comparison] = {**CURVES, **TRACK, **COMPARED}
