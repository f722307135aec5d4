"""What happens to a whole image `[height, width]`: spots along a row, tone, blur, noise. Kernels of `styled_pinhole`.

Single precision, and limits as whole numbers: so the compiler handles eight pixels at once.
"""

from __future__ import annotations

import numpy as np

from drcli.sim.kernel import kernel
from drcli.sim.sensors.picture_styles import Bytes, Floats


@kernel
def add_to_row(greys: Floats, out: Bytes) -> None:
    """Add greys to a row of an image, both `[width]`."""
    half, black, white = np.float32(0.5), np.int32(0), np.int32(255)
    for column in range(out.shape[0]):
        out[column] = min(max(np.int32(np.float32(out[column]) + greys[column] + half), black), white)


@kernel
def finish(
    image: Bytes, tone: Floats, blur: float, noise: float, state: int, values: Floats, rows: Floats
) -> None:
    """Change an image in place; at its edges it is continued as it ends.

    Args:
        image: `[height, width]`.
        tone: the grey to show for each grey, `[256]`.
        blur: the share that a pixel gets from each of its neighbours, horizontally and then vertically.
        noise: standard deviation in grey levels.
        state: where the random numbers start, 31 bits.
        values: normally distributed.
        rows: `[height + 2, width + 2]`, overwritten.
    """
    height, width = image.shape
    side, middle, strength = np.float32(blur), np.float32(1.0 - 2.0 * blur), np.float32(noise)
    half, black, white = np.float32(0.5), np.int32(0), np.int32(255)
    toned = rows[0]
    for row in range(height):
        line, out = image[row], rows[row + 1]
        for column in range(width):
            toned[column + 1] = tone[line[column]] + half  # rounds in the end
        toned[0], toned[width + 1] = toned[1], toned[width]
        for column in range(width):
            out[column] = middle * toned[column + 1] + side * (toned[column] + toned[column + 2])
    rows[0], rows[height + 1] = rows[1], rows[height]
    for row in range(height):
        state = (1103515245 * state + 12345) & 0x7FFFFFFF  # whose lower bits are hardly random
        start = (state >> 8) % (values.shape[0] - width)
        above, here, below, grain = rows[row], rows[row + 1], rows[row + 2], values[start : start + width]
        out = image[row]
        for column in range(width):
            grey = middle * here[column] + side * (above[column] + below[column]) + strength * grain[column]
            out[column] = min(max(np.int32(grey), black), white)
