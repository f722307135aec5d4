"""A moment of a race, as pictures show it: where cars and objects are. From a running worker, or from a simtrace."""

from __future__ import annotations

from dataclasses import dataclass

from drcli.contract.live_state import LiveBox


@dataclass(frozen=True)
class CarLook:
    """What a car is called and looks like: values of DR_CAR_COLOR and DR_CAR_BODY_SHELL_TYPE."""

    name: str = ""
    color: str = "Red"
    shell: str = "deepracer"


@dataclass(frozen=True)
class SceneCar:
    """A car: the place of its origin, between the axles, as in `drcli.sim.car_arrays.CarState`; its looks, its name.

    color: a value of DR_CAR_COLOR; shell: of DR_CAR_BODY_SHELL_TYPE.
    """

    x_m: float
    y_m: float
    heading_rad: float
    color: str = "Black"
    shell: str = "deepracer"
    name: str = ""


@dataclass(frozen=True)
class Scene:
    """All that moves on a track. Cameras are on cars[watched], or follow it."""

    cars: tuple[SceneCar, ...]
    boxes: tuple[LiveBox, ...] = ()
    watched: int = 0
