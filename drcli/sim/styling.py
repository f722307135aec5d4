"""When randomised pictures get another style: with each episode, and while a student collects more often."""

from __future__ import annotations

import numpy as np

from drcli.config.race_settings import RaceSettings
from drcli.config.randomised_parts import randomised_parts
from drcli.sim.car_arrays import Bools, Ints
from drcli.sim.races.race_type import EpisodeStart
from drcli.sim.sensors.picture_styles import PictureStyles, draw_style, new_styles, plain_of

EPISODES_SHARE = 2 / 3  # of all ranges; a student learns beyond what it will be examined in


class Styling:
    """Draws the styles of K cars; `styles` is None unless pictures are randomised."""

    def __init__(self, world_name: str, settings: RaceSettings, num_envs: int) -> None:
        self.styles: PictureStyles | None = new_styles(num_envs) if settings.randomised_pictures else None
        self._every = settings.restyled_steps
        self._plain, self._parts = plain_of(world_name), randomised_parts(settings.randomised)
        self._starts: dict[int, EpisodeStart] = {}

    def begin(self, k: int, start: EpisodeStart) -> None:
        """An episode of car `k` starts."""
        self._starts[k] = start
        self._draw(k, 0)

    def go_on(self, cars: Bools, steps: Ints) -> None:
        """`cars` `[K]` go on, after so many `steps` `[K]` of their episodes."""
        if self.styles is None or not self._every:
            return
        for k in np.flatnonzero(cars & (steps % self._every == 0)).tolist():
            self._draw(k, int(steps[k]))

    def _draw(self, k: int, step: int) -> None:
        if self.styles is not None:
            start = self._starts[k]
            share = 1.0 if self._every else EPISODES_SHARE
            number = start.seed, start.number, step
            draw_style(self.styles, k, number, self._plain, self._parts, share)
