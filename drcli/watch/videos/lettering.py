"""Text on pictures. DejaVu Sans where matplotlib brings it; else Pillow's own font, which has few letters.

The image of our services has no matplotlib: names are written there without accents.
"""

from __future__ import annotations

import unicodedata
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

RGB = tuple[int, int, int]
WHITE: RGB = (255, 255, 255)


@cache
def _folder() -> Path | None:
    """Where matplotlib's fonts are; it need not be imported for that."""
    spec = find_spec("matplotlib")
    folder = Path(spec.origin).parent / "mpl-data" / "fonts" / "ttf" if spec and spec.origin else None
    return folder if folder is not None and (folder / "DejaVuSans.ttf").is_file() else None


@cache
def font(size_px: int, *, is_bold: bool = False) -> ImageFont.FreeTypeFont:
    """A font of a size."""
    folder = _folder()
    if folder is None:
        found = ImageFont.load_default(size_px)
        assert isinstance(found, ImageFont.FreeTypeFont)  # as Pillow's wheels have FreeType
        return found
    return ImageFont.truetype(str(folder / f"DejaVuSans{'-Bold' * is_bold}.ttf"), round(0.86 * size_px))


@cache
def writable(text: str) -> str:
    """The text as far as the font has its letters: on one line, elsewhere without accents, or `?`."""
    text = " ".join(text.split())
    if _folder() is not None:
        return text
    plain = (unicodedata.normalize("NFKD", letter).encode("ascii", "ignore").decode() for letter in text)
    return "".join(
        new if new or unicodedata.combining(old) else "?" for old, new in zip(text, plain, strict=True)
    )


@lru_cache(maxsize=2048)
def width_px(text: str, size_px: int, *, is_bold: bool = False) -> float:
    """How wide a text is."""
    return font(size_px, is_bold=is_bold).getlength(text)


@lru_cache(maxsize=256)
def shortened(text: str, size_px: int, most_px: float, *, is_bold: bool = False) -> str:
    """The text, or as much of it as fits."""
    if width_px(text, size_px, is_bold=is_bold) <= most_px:
        return text
    while text and width_px(f"{text}...", size_px, is_bold=is_bold) > most_px:
        text = text[:-1]
    return f"{text.rstrip()}..."


def write(
    image: Image.Image,
    at: tuple[float, float],
    text: str,
    size_px: int,
    colour: RGB = WHITE,
    *,
    is_bold: bool = False,
) -> None:
    """Write text with a shadow, from the left end of its base line on."""
    stamp, left, top = _stamp(text, size_px, colour, is_bold=is_bold)
    image.paste(stamp, (round(at[0]) + left, round(at[1]) + top), stamp)


def write_number(
    image: Image.Image, at: tuple[float, float], text: str, size_px: int, colour: RGB = WHITE
) -> None:
    """Write a number that ends at a place, with digits of one width: it does not tremble while it counts."""
    digit = max(width_px(str(number), size_px, is_bold=True) for number in range(10))
    x, y = at
    for letter in reversed(text):
        own = width_px(letter, size_px, is_bold=True)
        room = digit if letter.isdigit() else own
        x -= room
        write(image, (x + (room - own) / 2, y), letter, size_px, colour, is_bold=True)


@lru_cache(maxsize=1024)
def _stamp(text: str, size_px: int, colour: RGB, *, is_bold: bool) -> tuple[Image.Image, int, int]:
    """A text with its shadow, and where its picture begins relative to the left end of its base line."""
    chosen = font(size_px, is_bold=is_bold)
    left, top, right, bottom = chosen.getbbox(text, anchor="ls")
    mask = Image.new("L", (max(int(right - left) + 3, 1), max(int(bottom - top) + 3, 1)))
    ImageDraw.Draw(mask).text((-left, -top), text, 255, chosen, "ls")
    letters = np.asarray(mask, np.float64) / 255
    shadow = np.zeros_like(letters)
    shadow[1:, 1:] = letters[:-1, :-1]
    cover = 1.0 - (1.0 - letters) * (1.0 - shadow)
    shade = letters / np.maximum(cover, 1e-6)  # the shadow is black
    layers = [*(shade * channel for channel in colour), 255 * cover]
    stamp = Image.fromarray(np.rint(np.stack(layers, axis=-1)).astype(np.uint8))
    return stamp, int(left), int(top)
