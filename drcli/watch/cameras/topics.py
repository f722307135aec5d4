"""The topics of the camera server, under the names that they have in ROS, and the pictures that they show."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from drcli.errors import UsageError

OVERLAY, ATTENTION = "overlay", "attention"
_VIEWS = {
    "/racecar/deepracer/kvs_stream": OVERLAY,
    "/racecar/camera/zed/rgb/image_rect_color": "camera",
    "/racecar/main_camera/zed/rgb/image_rect_color": "behind",
    "/sub_camera/zed/rgb/image_rect_color": "above",
    "/racecar/deepracer/attention": ATTENTION,
}
TOPICS: Mapping[str, str] = {
    "/racecar/deepracer/kvs_stream": "the race from behind the car, with figures and a map",
    "/racecar/camera/zed/rgb/image_rect_color": "the car's own camera",
    "/racecar/main_camera/zed/rgb/image_rect_color": "from behind the car",
    "/sub_camera/zed/rgb/image_rect_color": "the whole track from above",
    "/racecar/deepracer/attention": "what the network sees, and where it looks",
}
_OF_A_PLACE = re.compile(r"^/racecar_(\d)/")
_SIDE_MIN, _SIDE_MAX = 32, 1920


class UnknownTopicError(LookupError):
    """There is no topic with that name."""


@dataclass(frozen=True)
class PictureSpec:
    """One kind of picture. place: in a race of several models, the car whose cameras show it; None: the watched."""

    view: str
    width_px: int = 640
    height_px: int = 480
    quality: int = 80
    place: int | None = None


def spec_of(query: Mapping[str, str]) -> PictureSpec:
    """The picture that a request asks for. Raises UnknownTopicError, or UsageError for a size that is not a number."""
    topic = query.get("topic", "")
    found = _OF_A_PLACE.match(topic)
    view = _VIEWS.get(_OF_A_PLACE.sub("/racecar/", topic))
    if view is None:
        raise UnknownTopicError(topic)
    return PictureSpec(
        view=view,
        width_px=_number(query, "width", 640, _SIDE_MIN, _SIDE_MAX),
        height_px=_number(query, "height", 480, _SIDE_MIN, _SIDE_MAX),
        quality=_number(query, "quality", 80, 1, 100),
        place=int(found[1]) if found else None,
    )


def _number(query: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    text = query.get(name, "")
    try:
        return min(max(int(text), low), high) if text else default
    except ValueError:
        raise UsageError(f"{name} is {text!r}, not a whole number.", f"Use {low} to {high}.") from None
