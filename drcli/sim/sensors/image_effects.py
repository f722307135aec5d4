"""What happens to a whole image `[height, width]`: greys, tone, light, blur, noise. Kernels of `styled_pinhole`.

Single precision, and limits as whole numbers: so the compiler handles eight pixels at once.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from drcli.sim.car_arrays import Array
from drcli.sim.kernel import kernel
from drcli.sim.sensors.picture_styles import Bytes, Floats


@kernel
def paint_row(greys: Floats, strength: Floats, pattern: Floats, out: Bytes) -> None:
    """Turn the codes of a row `[width]` into `greys` `[256]`, plus the pattern `[width]` times `strength` `[256]`."""
    half, black, white = np.float32(0.5), np.int32(0), np.int32(255)
    for column in range(out.shape[0]):
        code = out[column]
        grey = greys[code] + strength[code] * pattern[column] + half
        out[column] = min(max(np.int32(grey), black), white)


@kernel
def light_up(
    image: Bytes, lens: npt.NDArray[np.int32], tone: Floats, vignette: float, glare: Array, out: Floats
) -> None:
    """The tones of an image as a lens distorts it, with darker corners and two soft blobs, bright or dark.

    Args:
        image: `[height, width]`.
        lens: where each pixel comes from, as an index into the image's pixels, `[height, width]`.
        tone: the grey to show for each grey, `[256]`.
        vignette: how much darker the corners are.
        glare: `[2, 5]`: grey levels, column and row of the middle, standard deviations in columns and rows.
        out: `[height + 2, width + 2]`; its inner part is overwritten.
    """
    height, width = image.shape
    pixels, across = image.ravel(), np.empty(width, np.float32)
    one, other = np.empty(width, np.float32), np.empty(width, np.float32)
    for column in range(width):
        across[column] = (2.0 * (column + 0.5) / width - 1.0) ** 2
        one[column] = glare[0, 0] * math.exp(-0.5 * ((column - glare[0, 1]) / glare[0, 3]) ** 2)
        other[column] = glare[1, 0] * math.exp(-0.5 * ((column - glare[1, 1]) / glare[1, 3]) ** 2)
    dark = np.float32(vignette / 2.0)
    for row in range(height):
        down = np.float32((2.0 * (row + 0.5) / height - 1.0) ** 2)
        of_one = np.float32(math.exp(-0.5 * ((row - glare[0, 2]) / glare[0, 4]) ** 2))
        of_other = np.float32(math.exp(-0.5 * ((row - glare[1, 2]) / glare[1, 4]) ** 2))
        source, lit = lens[row], out[row + 1]
        for column in range(width):
            lit[column + 1] = tone[pixels[source[column]]]
        for column in range(width):
            light = np.float32(1.0) - dark * (across[column] + down)
            lit[column + 1] = lit[column + 1] * light + one[column] * of_one + other[column] * of_other


@kernel
def blur_and_grain(image: Bytes, blur: Floats, noise: float, state: int, values: Floats, lit: Floats) -> None:
    """Blur and noise; at its edges an image is continued as it ends.

    Args:
        image: `[height, width]`, overwritten.
        blur: the share that a pixel gets from each of its neighbours, horizontally and then vertically.
        noise: standard deviation in grey levels.
        state: where the random numbers start, 31 bits.
        values: normally distributed.
        lit: `[height + 2, width + 2]`, from `light_up`; overwritten.
    """
    height, width = image.shape
    side, middle = blur[0], np.float32(1.0) - np.float32(2.0) * blur[0]
    strength, half, black, white = np.float32(noise), np.float32(0.5), np.int32(0), np.int32(255)
    for row in range(1, height + 1):
        here = lit[row]
        here[0], here[width + 1] = here[1], here[width]
        out = lit[row - 1]  # one row up: what is there has been used
        for column in range(width):
            out[column] = middle * here[column + 1] + side * (here[column] + here[column + 2]) + half
    lit[height] = lit[height - 1]
    side, middle = blur[1], np.float32(1.0) - np.float32(2.0) * blur[1]
    for row in range(height):
        state = (1103515245 * state + 12345) & 0x7FFFFFFF  # whose lower bits are hardly random
        start = (state >> 8) % (values.shape[0] - width)
        grain, out = values[start : start + width], image[row]
        above, here, below = lit[max(row - 1, 0)], lit[row], lit[row + 1]
        for column in range(width):
            grey = middle * here[column] + side * (above[column] + below[column]) + strength * grain[column]
            out[column] = min(max(np.int32(grey), black), white)
