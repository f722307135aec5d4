"""What is written over a frame: names, lap times, trials, resets; below them speed, reward and progress."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from drcli.config.car_looks import COLOURS
from drcli.watch.scene import CarLook
from drcli.watch.videos.drive import Caption, Moment
from drcli.watch.videos.frame_kernels import darken
from drcli.watch.videos.lettering import RGB, WHITE, shortened, width_px, writable, write, write_number

Picture = npt.NDArray[np.uint8]

FOOT_PX = 50
_SOFT: RGB = (206, 213, 220)
_FAULT: RGB = (214, 58, 48)
_ALARM: RGB = (255, 132, 120)
_GOLD: RGB = (255, 200, 70)
_RAIL: RGB = (92, 98, 106)
_DARKEST, _LIGHTEST = 70, 190  # of 256, of what is seen through the panels
_MARGIN_PX = 14
_LARGE, _SMALLER = (21, 14, 36), (17, 13, 26)  # heights of names, words and times, of one car and of several
_SMALL_PX = 14
_BRIGHT = 60  # sum of a colour's channels: a darker car has a lighter mark


def head_px(cars: int) -> int:
    """How high the panel above is."""
    return 66 if cars == 1 else 12 + 40 * cars


def draw_overlay(picture: Picture, moment: Moment) -> None:
    """Draw it into a picture of 640 x 480."""
    head = head_px(len(moment.captions))
    _draw_panel(picture[:head], moment, is_head=True)
    _draw_panel(picture[-FOOT_PX:], moment, is_head=False)
    fault = moment.captions[moment.watched].fault
    if fault:
        _draw_fault(picture[head : head + 40], fault)


def _draw_panel(part: Picture, moment: Moment, *, is_head: bool) -> None:
    """Darken a part of the picture, most at the picture's edge, and write into it."""
    darken(part, _shades(len(part), is_head))
    image = Image.fromarray(part)
    if is_head:
        _write_head(image, moment)
    else:
        _write_foot(image, moment.captions[moment.watched])
    part[:] = np.asarray(image)


@lru_cache(maxsize=8)
def _shades(height_px: int, is_head: bool) -> npt.NDArray[np.int64]:
    rows = np.linspace(_DARKEST, _LIGHTEST, height_px)
    return np.asarray(np.rint(rows if is_head else rows[::-1]), np.int64)


def _write_head(image: Image.Image, moment: Moment) -> None:
    captions = moment.captions
    if len(captions) == 1:
        _write_car(image, captions[0], 28, _LARGE)
        return
    for place, caption in enumerate(captions):
        _write_car(image, caption, 23 + 40 * place, _SMALLER)


def _write_car(image: Image.Image, caption: Caption, base_px: int, sizes: Sequence[int]) -> None:
    """Who drives, below it what happened so far, at the right the time. base_px: of the name."""
    name_px, small_px, time_px = sizes
    mark = colour_of(caption.look)
    top = base_px - name_px * 0.72
    edges = (_MARGIN_PX, top, _MARGIN_PX + 8, base_px + small_px + 5)
    ImageDraw.Draw(image).rounded_rectangle(edges, 3, mark)
    left = _MARGIN_PX + 18
    name = shortened(writable(caption.look.name), name_px, image.width * 0.62, is_bold=True)
    write(image, (left, base_px), name, name_px, is_bold=True)
    words = [caption.label, f"resets {caption.resets}"]
    if caption.best_s is not None:
        words.append(f"best {clock(caption.best_s)}")
    below = left, base_px + small_px + 6
    write(image, below, "    ".join(words), small_px, _SOFT)
    if caption.fault:
        done_px = width_px("    ".join(words) + "    ", small_px)
        write(image, (below[0] + done_px, below[1]), caption.fault, small_px, _ALARM)
    colour = _GOLD if caption.is_finished else WHITE
    right = image.width - _MARGIN_PX, base_px + (small_px + 8) / 2
    write_number(image, right, clock(caption.time_s), time_px, colour)


def _write_foot(image: Image.Image, caption: Caption) -> None:
    width, height = image.size
    base = height - 17
    write_number(image, (_MARGIN_PX + 62, base), f"{caption.speed_mps:.2f}", 27)
    write(image, (_MARGIN_PX + 68, base), "m/s", _SMALL_PX, _SOFT)
    for right, word, text in (
        (width * 0.46, "reward", number(caption.reward)),
        (width * 0.75, "total", number(caption.total_reward)),
    ):
        write_number(image, (right, base), text, 20)
        write(image, (right + 5, base), word, _SMALL_PX, _SOFT)
    write_number(image, (width - _MARGIN_PX - 18, base), f"{max(caption.progress, 0.0):.0f}", 20)
    write(image, (width - _MARGIN_PX - 14, base), "%", _SMALL_PX, _SOFT)
    draw = ImageDraw.Draw(image)
    rail = (_MARGIN_PX, height - 9, width - _MARGIN_PX, height - 6)
    draw.rounded_rectangle(rail, 2, _RAIL)
    done = rail[0] + (rail[2] - rail[0]) * min(max(caption.progress, 0.0), 100.0) / 100.0
    if done > rail[0] + 3:
        draw.rounded_rectangle((rail[0], rail[1], done, rail[3]), 2, _GOLD)


def _draw_fault(part: Picture, fault: str) -> None:
    image = Image.fromarray(part)
    draw = ImageDraw.Draw(image)
    middle = image.width / 2
    half = width_px(fault, 17, is_bold=True) / 2
    draw.rounded_rectangle((middle - half - 14, 8, middle + half + 14, 36), 14, _FAULT)
    write(image, (middle - half, 28), fault, 17, is_bold=True)
    part[:] = np.asarray(image)


def clock(time_s: float) -> str:
    """A lap time: `9.533`, or `1:02.067` from a minute on."""
    thousandths = round(max(time_s, 0.0) * 1000)
    minutes, rest = divmod(thousandths, 60_000)
    return f"{minutes}:{rest / 1000:06.3f}" if minutes else f"{rest / 1000:.3f}"


def number(value: float) -> str:
    """A reward, short: rewards are anything from thousandths to thousands."""
    size = abs(value)
    return f"{value:.0f}" if size >= 1000 else f"{value:.1f}" if size >= 100 else f"{value:.2f}"


def colour_of(look: CarLook) -> RGB:
    """The mark of a car: its colour, black a little lighter so that it is seen."""
    colour = COLOURS.get(look.color, COLOURS["Black"])
    return colour if sum(colour) > _BRIGHT * 2 else (96, 100, 108)
