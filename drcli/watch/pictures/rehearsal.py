"""Paints each view once, with all that can be in it: numba compiles the painter, or finds it compiled.

A cold start takes half a minute on a slow machine. Image builds and camera servers do it before anybody waits.
"""

from __future__ import annotations

from drcli.contract.live_state import LiveBox
from drcli.sim.catalogue import load_track
from drcli.watch.pictures.painter import VIEWS, Painter
from drcli.watch.scene import Scene, SceneCar


def rehearse() -> None:
    """Paint small pictures of a track of ours, and throw them away."""
    painter = Painter(load_track("drcli_oval", None, ""))
    x_m, y_m = map(float, painter.track.center[0])
    cars = (SceneCar(x_m, y_m, 0.0), SceneCar(x_m + 1.0, y_m, 0.0))
    boxes = tuple(LiveBox(x_m + 1.0, y_m + side, 0.0, 0.3, 0.2, 0.2, is_car=side > 0) for side in (-0.3, 0.3))
    for view in VIEWS:
        painter.paint(view, Scene(cars, boxes), 64, 48)
