"""A dashboard as text: one column, or two from 110 characters on; charts grow with the height. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from textwrap import wrap

from rich.text import Text

from drcli.launch.run_view import ReplicaView
from drcli.watch.dashboard.block_chart import block_chart
from drcli.watch.dashboard.dashboard_data import Curve, Dashboard, Laps
from drcli.watch.dashboard.sections import Section, beside, cut, fit, pad, stacked, total
from drcli.watch.run_progress import format_duration

WIDE = 110  # characters
_NEWEST = 3  # evaluations
_LARGEST_CHART = 6  # lines
_RIGHT_SHARE = 0.44
_NARROW = 64  # with fewer characters there are no pairs of figures
_FIGURE = 10  # characters of the name of a figure
_NAME, _VALUE = 13, 9  # characters of a curve's name at least, and of its last value
_STATES = {
    "training": "green",
    "running": "green",
    "starting": "yellow",
    "stopping": "yellow",
    "stopped": "yellow",
    "failed": "bold red",
    "lost": "bold red",
    "down": "bold red",
}
_COLOURS = {"reward": "cyan", "progress": "green", "evaluation": "magenta"}


def draw(dashboard: Dashboard, width: int, height: int | None = None) -> Text:
    """The dashboard, at most `width` characters wide and `height` lines high; None: as high as it is."""
    head = [_title(dashboard, width), *(cut(Text(text), width) for text in (dashboard.activity,) if text)]
    head += [cut(Text(f"! {note}", style="yellow"), width) for note in dashboard.notes[:3]]
    below = None if height is None else max(height - len(head), 0)
    body = _two_columns(dashboard, width, below) if width >= WIDE else _one_column(dashboard, width, below)
    return Text("\n").join([*head, *body][:height])


def _one_column(dashboard: Dashboard, width: int, height: int | None) -> list[Text]:
    def sections(rows: int) -> list[Section]:
        return [
            Section("", tuple(_in_pairs(_figures(dashboard), width)), 9, keep=3),
            *_charts(dashboard, width, rows),
            *_evaluations(dashboard.evaluations),
            Section("exams", tuple(_marks(dashboard, width)), 2),
            Section("services", tuple(_services(dashboard.services)), 8, keep=2, rest="services"),
        ]

    return stacked(_largest(sections, height), width)


def _two_columns(dashboard: Dashboard, width: int, height: int | None) -> list[Text]:
    right_width = int(width * _RIGHT_SHARE)
    left_width = width - right_width - 3

    def left(rows: int) -> list[Section]:
        return _charts(dashboard, left_width, rows)

    right = [
        Section("", tuple(_one_each(_figures(dashboard))), 9, keep=4),
        *_evaluations(dashboard.evaluations),
        Section("exams", tuple(_marks(dashboard, right_width)), 2),
        Section("services", tuple(_services(dashboard.services)), 8, keep=2, rest="services"),
    ]
    charts = stacked(_largest(left, height), left_width)
    return beside(charts, stacked(fit(right, height), right_width), left_width)


def _largest(sections: Callable[[int], list[Section]], height: int | None) -> list[Section]:
    """With the largest charts that fit; without a limit of height they have three lines."""
    if height is None:
        return fit(sections(3), None)
    for rows in range(_LARGEST_CHART, 0, -1):
        found = sections(rows)
        if total(found) <= height:
            return found
    return fit(found, height)


def _title(dashboard: Dashboard, width: int) -> Text:
    right = Text.assemble(
        f"{dashboard.kind} {dashboard.run_id}  ", (dashboard.state, _STATES.get(dashboard.state, "bold"))
    )
    left = Text.assemble((dashboard.model, "bold"), " on ", (dashboard.world_name, "bold"))
    if right.cell_len + 12 > width:
        return cut(left, width)
    return pad(left, width - right.cell_len - 1).append(" ").append_text(right)


def _figures(dashboard: Dashboard) -> list[tuple[str, str]]:
    """Names and values; what is unknown is `-`. Those of a pair stand beside each other where there is room."""
    best = dashboard.best_checkpoint or "-"
    if dashboard.best_metric is not None and dashboard.best_checkpoint:
        best += f" ({dashboard.best_metric:.4g})"
    left = "-"
    if dashboard.left is not None:
        left = f"≤ {format_duration(dashboard.left.seconds)} ({dashboard.left.limit})"
    steps = _count(dashboard.steps)
    if dashboard.teacher_steps is not None:
        steps += f", teacher {dashboard.teacher_steps:,}"
    rate, factor = dashboard.steps_per_s, dashboard.real_time_factor
    return [
        ("iteration", _count(dashboard.iteration)),
        ("elapsed", "-" if dashboard.elapsed_s is None else format_duration(dashboard.elapsed_s)),
        ("episodes", _count(dashboard.episodes)),
        ("left", left),
        ("steps", steps),
        ("speed", "-" if rate is None else f"{rate:,.0f} steps/s, {factor or 0:.1f} × real time"),
        ("last", dashboard.last_checkpoint or "-"),
        ("best", best),
    ]


def _count(value: int | None) -> str:
    return "-" if value is None else f"{value:,}"


def _in_pairs(figures: Sequence[tuple[str, str]], width: int) -> list[Text]:
    if width < _NARROW:
        return _one_each(figures)
    half = width * 2 // 5
    lines = map(_figure, figures)
    return [pad(one, half).append_text(two) for one, two in zip(lines, lines, strict=True)]


def _one_each(figures: Sequence[tuple[str, str]]) -> list[Text]:
    return [_figure(figure) for figure in (*figures[::2], *figures[1::2])]


def _figure(figure: tuple[str, str]) -> Text:
    name, value = figure
    return Text.assemble((f"{name:<{_FIGURE}}", "dim"), value)


def _charts(dashboard: Dashboard, width: int, rows: int) -> list[Section]:
    """Reward and progress, as high as there is room; losses in a line each."""
    names = [curve.name for curve in (*dashboard.learning, *dashboard.losses)]
    name_width = max([_NAME, *(len(name) + 1 for name in names)])
    learning = [
        line
        for curve in dashboard.learning
        if curve.values
        for line in _chart(curve, width, name_width, rows)
    ]
    losses = [line for curve in dashboard.losses for line in _chart(curve, width, name_width, 1)]
    return [
        Section("reward and progress", tuple(learning), 7, keep=3),
        Section("entropy and losses", tuple(losses), 3, keep=1),
    ]


def _chart(curve: Curve, width: int, name_width: int, rows: int) -> list[Text]:
    colour = next((colour for word, colour in _COLOURS.items() if curve.name.endswith(word)), "yellow")
    room = max(width - name_width - _VALUE, 1)
    value = "" if curve.last is None else f"{curve.last:.4g}{curve.unit}"
    lines = block_chart(curve.values, room, rows, low=curve.low, high=curve.high)
    names = [*[""] * (rows - 1), curve.name]
    values = [*[""] * (rows - 1), value]
    return [
        Text.assemble((f"{name:<{name_width}}", "dim"), (f"{line:<{room}}", colour), f"{text:>{_VALUE}}")
        for name, line, text in zip(names, lines, values, strict=True)
    ]


def _evaluations(evaluations: Sequence[Laps]) -> list[Section]:
    """The newest ones; older ones below them give way before anything else does."""
    lines = _laps(evaluations)
    return [
        Section("evaluations", tuple(lines[:_NEWEST]), 5, keep=1),
        Section("", tuple(lines[_NEWEST:]), 1),
    ]


def _laps(evaluations: Sequence[Laps]) -> list[Text]:
    """The newest first; the best has a star."""
    return [_evaluation(laps) for laps in reversed(evaluations)]


def _evaluation(laps: Laps) -> Text:
    times = "" if laps.fastest_s is None else f"  {laps.fastest_s:.2f} s, mean {laps.mean_s:.2f} s"
    return Text.assemble(
        ("★ " if laps.is_best else "  ", "yellow"),
        f"{laps.checkpoint:<18} " if laps.checkpoint else "",
        (f"{laps.progress:>4.0f} %", "magenta"),
        f"  {len(laps.laps_s)}/{laps.trials} laps{times}",
    )


def _marks(dashboard: Dashboard, width: int) -> Iterable[Text]:
    for who, marks in dashboard.marks:
        lines = wrap(marks, max(width - _FIGURE, 20))
        yield from (
            Text.assemble((f"{name:<{_FIGURE}}", "dim"), line)
            for name, line in zip([who, *[""] * len(lines)], lines, strict=False)
        )


def _services(services: Sequence[ReplicaView]) -> list[Text]:
    """A line for each; those that are not running come first, as they may be all there is room for."""
    ordered = sorted(services, key=lambda each: each.state == "running")
    width = max((len(each.name) for each in services), default=0)
    return [_service(each, width) for each in ordered]


def _service(service: ReplicaView, width: int) -> Text:
    facts = [f"on {service.node}"] if service.node else []
    if service.restarts:
        facts.append(f"{service.restarts} restart{'' if service.restarts == 1 else 's'}")
    if service.message:
        facts.append(service.message)
    return Text.assemble(
        (f"{service.name:<{width}}  ", "dim"),
        (f"{service.state:<8}", _STATES.get(service.state, "dim")),
        "  " if facts else "",
        ", ".join(facts),
    )
