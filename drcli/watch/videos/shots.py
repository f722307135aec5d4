"""The three videos of a drive: in which folder each is, and how a frame of it is painted.

Folders and sizes are those of the community's engine (markov `mp4_saving/constants.py`).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from drcli.watch.pictures.painter import Painter
from drcli.watch.videos.drive import Moment
from drcli.watch.videos.overlay import FOOT_PX, draw_overlay, head_px

Picture = npt.NDArray[np.uint8]

WIDTH_PX, HEIGHT_PX = 640, 480
FOLDERS: Mapping[str, str] = {  # by view of the painter
    "camera": "camera-pip",
    "behind": "camera-45degree",
    "above": "camera-topview",
}
_INSET = 168, 126  # of the map in the car's own picture
_FRAME_PX, _FRAME = 2, (222, 226, 230)
_AROUND = 40  # grey of the panels beside the map


def video_name(view: str, number: int = 0) -> str:
    """Where a video is below its prefix. An evaluation is one video, so its number is 0; iterations would count on."""
    return f"{FOLDERS[view]}/{number}-video.mp4"


def shoot(painter: Painter, view: str, moment: Moment) -> Picture:
    """A frame `[480, 640, 3]`."""
    head = head_px(len(moment.captions))
    if view == "above":
        picture = np.empty((HEIGHT_PX, WIDTH_PX, 3), np.uint8)
        picture[:head] = picture[-FOOT_PX:] = _AROUND
        picture[head:-FOOT_PX] = painter.paint(view, moment.scene, WIDTH_PX, HEIGHT_PX - head - FOOT_PX)
    else:
        picture = painter.paint(view, moment.scene, WIDTH_PX, HEIGHT_PX, moment.follow_rad)
    draw_overlay(picture, moment)
    if view == "camera":
        _paste_map(picture, painter, moment, head)
    return picture


def _paste_map(picture: Picture, painter: Painter, moment: Moment, head: int) -> None:
    width, height = _INSET
    top, left = head + 10, WIDTH_PX - width - 14
    edge = _FRAME_PX
    picture[top - edge : top + height + edge, left - edge : left + width + edge] = _FRAME
    picture[top : top + height, left : left + width] = painter.paint("above", moment.scene, width, height)
