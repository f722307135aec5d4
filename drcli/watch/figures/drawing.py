"""A drawing: a figure and what it shows in words, and how it becomes a file or a part of a page.

Colours are named here once. In a page each is a CSS variable, so that one SVG suits light and dark.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

# Hues of Okabe and Ito, "Color Universal Design" (2008), which colour-blind readers tell apart; lightness differs, too.
INK, GRID, FAINT = "#1b2430", "#d4dae1", "#6b7683"
BLUE, ORANGE, GREEN, RED, PURPLE, SKY = "#0b6fb3", "#b87400", "#00805f", "#c74a00", "#a8518a", "#3a8fc4"
PAPER, ROAD, EDGE = "#ffffff", "#e6eaee", "#8b96a3"
SERIES = (BLUE, ORANGE, GREEN, PURPLE, RED, SKY)
DASHES: tuple[Literal["-", "--", "-.", ":"], ...] = ("-", "--", "-.", ":")

# name of the variable in the page, what it is in the dark
DARK = {
    INK: ("ink", "#e8edf3"),
    GRID: ("grid", "#303943"),
    FAINT: ("faint", "#9aa6b3"),
    BLUE: ("blue", "#56b4e9"),
    ORANGE: ("orange", "#e6a323"),
    GREEN: ("green", "#2fc49b"),
    RED: ("red", "#f2804a"),
    PURPLE: ("purple", "#dd94c1"),
    SKY: ("sky", "#8ecdf0"),
    PAPER: ("paper", "#14181d"),
    ROAD: ("road", "#262d35"),
    EDGE: ("edge", "#6b7683"),
}
SPEEDS, VALUES = "plasma", "viridis"  # both rise evenly in lightness

_DPI, _LAYER_DPI = 130, 110  # of a file; of a layer of thousands of points within an SVG
_STYLE: dict[Any, Any] = {  # names of matplotlib's settings
    "font.family": "sans-serif",
    "font.sans-serif": ["Helvetica", "Arial", "Liberation Sans", "DejaVu Sans"],
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.edgecolor": EDGE,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "figure.facecolor": PAPER,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "lines.markersize": 5,
    "svg.fonttype": "none",
}
_IDS = re.compile(r'<g id="[^"]*"')
_SIZE = re.compile(r'(?<=pt") (?:width|height)="[\d.]+pt"|(?<=<svg) (?:width|height)="[\d.]+pt"')
_NAMESPACES = re.compile(r' xmlns(?::\w+)?="[^"]*"')
_LOCAL_FONT = re.compile(r"font: ([^'\";]*)'[^\";]*(?=[\";])")


class NoData(Exception):
    """Nothing to draw; the text says what is lacking, as the end of a sentence."""


@dataclass(frozen=True)
class Drawing:
    """A figure, and in one or two sentences what one sees in it, for those who cannot."""

    figure: Figure
    alt: str


def draw(make: Callable[[], Drawing]) -> Drawing:
    """Call `make` with the style that all figures share. Raises NoData if there is nothing to draw."""
    with matplotlib.rc_context(_STYLE):
        return make()


def new_figure(width_in: float = 7.2, height_in: float = 3.2) -> Figure:
    """An empty figure, which needs no display."""
    figure = Figure(figsize=(width_in, height_in), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def legend(axes: Axes, **placed: Any) -> None:
    """Name the lines, if there are names."""
    if axes.get_legend_handles_labels()[1]:
        axes.legend(fontsize=9, **placed)


def as_file(drawing: Drawing, kind: Literal["png", "svg"]) -> bytes:
    """The figure as a file of its own, on white."""
    data = io.BytesIO()
    with matplotlib.rc_context(_STYLE):
        if kind == "png":
            drawing.figure.savefig(data, format="png", dpi=_DPI, metadata={"Description": drawing.alt})
        else:
            drawing.figure.savefig(
                data, format="svg", dpi=_LAYER_DPI, metadata={"Date": None, "Description": drawing.alt}
            )
    return data.getvalue()


def as_inline_svg(drawing: Drawing, name: str) -> str:
    """The figure as an `<svg>` for a page with the colours of `style_sheet`; no two names share an id.

    Without identifiers of groups, which would be the same in every figure, and without addresses of namespaces, which
    HTML does not need.
    """
    data = io.StringIO()
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    with matplotlib.rc_context(_STYLE | {"svg.hashsalt": name}):
        drawing.figure.savefig(data, format="svg", dpi=_LAYER_DPI, metadata=nothing, transparent=True)
    text = data.getvalue()
    text = text[text.index("<svg") :]
    text = _NAMESPACES.sub("", _IDS.sub("<g", text))
    text = _LOCAL_FONT.sub(r"font: \1var(--font)", text)
    for colour, (variable, _) in DARK.items():
        text = text.replace(colour, f"var(--{variable})")
    return _SIZE.sub("", text, count=2)


def style_sheet() -> str:
    """The colours as CSS: light, dark where the reader's system is dark, and light again on paper."""
    light = "".join(f"--{name}:{colour};" for colour, (name, _) in DARK.items())
    dark = "".join(f"--{name}:{colour};" for name, colour in DARK.values())
    return f":root{{{light}}}@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}"
