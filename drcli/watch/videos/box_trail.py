"""Where objects were while a car drove, between the steps at which that was noted."""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import replace

from drcli.contract.live_state import LiveBox


class BoxTrail:
    """Where the objects on one car's road were, and when by the clock of its trace; without any, nowhere."""

    def __init__(self) -> None:
        self._clock_s: list[float] = []
        self._boxes: list[tuple[LiveBox, ...]] = []

    def add(self, clock_s: float, boxes: tuple[LiveBox, ...]) -> None:
        """Where they are now."""
        if self._boxes and self._boxes[-1] == boxes and len(self._boxes) > 1 and self._boxes[-2] == boxes:
            self._clock_s[-1] = clock_s
            return
        self._clock_s.append(clock_s)
        self._boxes.append(boxes)

    def at(self, clock_s: float) -> tuple[LiveBox, ...]:
        """Where they were then."""
        if not self._boxes:
            return ()
        later = bisect_right(self._clock_s, clock_s)
        if later in (0, len(self._boxes)):
            return self._boxes[min(later, len(self._boxes) - 1)]
        before_s, after_s = self._clock_s[later - 1 : later + 1]
        share = (clock_s - before_s) / (after_s - before_s)
        pairs = zip(self._boxes[later - 1], self._boxes[later], strict=False)
        return tuple(_between(a, b, share) for a, b in pairs)


def _between(a: LiveBox, b: LiveBox, share: float) -> LiveBox:
    turn = math.remainder(b.heading_rad - a.heading_rad, math.tau)
    return replace(
        a,
        x_m=a.x_m + share * (b.x_m - a.x_m),
        y_m=a.y_m + share * (b.y_m - a.y_m),
        heading_rad=a.heading_rad + share * turn,
    )
