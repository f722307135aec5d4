"""Draws the pictures of one worker's states and compresses them. Not for several threads at once."""

from __future__ import annotations

import io
import threading
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from drcli.contract.live_state import LiveState, Reading
from drcli.services.shared.environment import Environment
from drcli.services.shared.run_track import load_run_track
from drcli.watch.cameras.network_view import NetworkView
from drcli.watch.cameras.topics import ATTENTION, OVERLAY, PictureSpec
from drcli.watch.pictures.painter import Painter
from drcli.watch.pictures.rehearsal import rehearse
from drcli.watch.scene import Scene, SceneCar

_WAITING = "Nobody drives at the moment."
_PREPARING = ("Preparing to draw.", "The first time, this takes half a minute.")
_DARK = (24, 26, 30)
_MAP_SHARE = 0.3  # of the width of the picture with figures


class Studio:
    """One painter for each track, made when it is needed."""

    def __init__(self, environment: Environment, network: NetworkView) -> None:
        self._environment, self._network = environment, network
        self._painters: dict[str, Painter] = {}
        self._can_draw = threading.Event()

    @property
    def can_draw(self) -> bool:
        """Whether pictures are drawn yet; until then, they say that they will be."""
        return self._can_draw.is_set()

    def prepare(self) -> None:
        """Have the painter compiled, if it has never been on this machine. For a thread of its own."""
        rehearse()
        self._can_draw.set()

    def jpeg(self, spec: PictureSpec, state: LiveState | None) -> bytes:
        """The picture of a state; None: nothing was heard yet."""
        size = spec.width_px, spec.height_px
        if state is None:
            image = _with_lines(Image.new("RGB", size, _DARK), [_WAITING])
        elif spec.view == ATTENTION:
            image = self._attention(state, size)
        elif not self.can_draw:
            image = _with_lines(Image.new("RGB", size, _DARK), [*_PREPARING])
        else:
            image = Image.fromarray(self._painted(spec, state))
            if spec.view == OVERLAY:
                image = self._with_figures(image, spec, state)
        out = io.BytesIO()
        image.save(out, "JPEG", quality=spec.quality)
        return out.getvalue()

    def _painted(self, spec: PictureSpec, state: LiveState) -> npt.NDArray[np.uint8]:
        view = "behind" if spec.view == OVERLAY else spec.view
        scene = scene_of(state, spec.place, everybody=view == "above")
        return self._painter(state).paint(view, scene, spec.width_px, spec.height_px)

    def _painter(self, state: LiveState) -> Painter:
        name = state.world_name
        if name not in self._painters:
            self._painters[name] = Painter(load_run_track(name, self._environment))
        return self._painters[name]

    def _with_figures(self, image: Image.Image, spec: PictureSpec, state: LiveState) -> Image.Image:
        width = int(spec.width_px * _MAP_SHARE)
        height = width * 3 // 4
        seen = self._painter(state).paint("above", scene_of(state, spec.place, everybody=True), width, height)
        image.paste(Image.fromarray(seen), (spec.width_px - width - 8, 8))
        return _with_lines(image, figures(state))

    def _attention(self, state: LiveState, size: tuple[int, int]) -> Image.Image:
        picture = next((r for r in state.readings.values() if r.dtype == "uint8" and len(r.shape) >= 2), None)
        if picture is None:
            return _with_lines(Image.new("RGB", size), ["This model has no camera."])
        grey = Image.fromarray(_first_channel(picture)).resize(size, Image.Resampling.NEAREST).convert("RGB")
        heat = self._network.attention(state)
        if heat is None:
            return _with_lines(grey, ["There is no checkpoint yet."])
        scaled = Image.fromarray((255 * heat).astype(np.uint8)).resize(size, Image.Resampling.BILINEAR)
        share = np.asarray(scaled, np.float32)[..., None] / 255
        colour = np.concatenate([np.ones_like(share), 1 - share, np.zeros_like(share)], -1) * 255
        mixed = np.asarray(grey, np.float32) * (1 - 0.6 * share) + colour * 0.6 * share
        return Image.fromarray(mixed.astype(np.uint8))


def scene_of(state: LiveState, place: int | None = None, *, everybody: bool) -> Scene:
    """The scene of a state; those whom the watched car cannot meet are only in pictures of `everybody`."""
    watched = state.car
    if place is not None:
        of_race = (state.car, *state.meets)
        watched = next((i for i in of_race if state.cars[i].place == place), state.car)
    there = range(len(state.cars)) if everybody else sorted({state.car, *state.meets})
    cars = [state.cars[i] for i in there]
    return Scene(
        tuple(SceneCar(c.x_m, c.y_m, c.heading_rad, c.color, c.shell, c.name) for c in cars),
        state.boxes,
        list(there).index(watched),
    )


def figures(state: LiveState) -> list[str]:
    """What is written over the picture."""
    name = state.cars[state.car].name
    return [
        *([name] if name else []),
        f"{state.phase} · {state.world_name}",
        f"episode {state.episode}, step {state.step}, {state.status.replace('_', ' ')}",
        f"{state.lap_s:.1f} s · {state.progress:.0f} % · {state.speed_mps:.2f} m/s · {state.steering_deg:+.0f}°",
        f"reward {state.reward:.3g} · sum {state.total_reward:.4g} · resets {state.resets}",
    ]


def _first_channel(reading: Reading) -> npt.NDArray[Any]:
    values: npt.NDArray[Any] = np.frombuffer(reading.data, reading.dtype).reshape(reading.shape)
    return values if values.ndim == 2 else values[..., 0]


def _with_lines(image: Image.Image, lines: list[str]) -> Image.Image:
    """The picture with lines of text in its upper left corner, readable over anything."""
    draw = ImageDraw.Draw(image)
    size = max(9, image.height // 28)
    font = ImageFont.load_default(size)
    for number, line in enumerate(lines):
        at = (8, 6 + number * int(size * 1.3))
        draw.text(at, line, (255, 255, 255), font, stroke_width=max(1, size // 9), stroke_fill=(0, 0, 0))
    return image
