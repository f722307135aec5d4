"""Which actions a model chooses where: in each turn and straight of the track."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from drcli.sim.track import Array, Track
from drcli.watch.analysis.lap_sections import Section, positions_m, section_of, sections
from drcli.watch.recordings.recorded_episode import RecordedEpisode
from drcli.watch.recordings.trace_table import Steps

_MOST_EPISODES = 500
_STEER_DEG, _SPEED_MPS = 10.0, 1.0  # steps in which continuous actions are counted
_Action = tuple[float, float]  # degrees, m/s


@dataclass(frozen=True)
class TurnActions:
    """How often each action was chosen. actions: steering in degrees and m/s; counts: `[section][action]` steps.

    is_rounded: whether actions are continuous and counted in steps of 10° and 1 m/s. episodes: how many were counted.
    """

    sections: tuple[Section, ...]
    actions: tuple[_Action, ...]
    counts: tuple[tuple[int, ...], ...]
    is_rounded: bool
    episodes: int


def actions_by_turn(track: Track, episodes: Sequence[RecordedEpisode]) -> TurnActions:
    """Counted over all episodes, or of more than 500 over as many that are spread evenly."""
    driven = [each for each in episodes if len(each.driven)]
    places = np.unique(np.linspace(0, len(driven) - 1, min(len(driven), _MOST_EPISODES)).astype(int))
    chosen = [driven[place] for place in places]
    parts = tuple(sections(track))
    if not chosen:
        return TurnActions(parts, (), tuple(() for _ in parts), False, 0)
    steps = np.concatenate([each.driven for each in chosen])
    at = np.concatenate(
        [positions_m(track, np.stack([d["X"], d["Y"]], 1)) for d in (e.driven for e in chosen)]
    )
    where = section_of(parts, at, track.length_m).astype(int)
    is_rounded = bool((steps["action"] < 0).any())
    actions, number = np.unique(_commands(steps, is_rounded), axis=0, return_inverse=True)
    cells = where * len(actions) + number.reshape(-1)
    counts = np.bincount(cells, minlength=len(parts) * len(actions)).reshape(len(parts), len(actions))
    return TurnActions(
        parts,
        tuple((float(steer), float(speed)) for steer, speed in actions),
        tuple(tuple(row) for row in counts.tolist()),
        is_rounded,
        len(chosen),
    )


def _commands(steps: Steps, is_rounded: bool) -> Array:
    grid = np.array([_STEER_DEG, _SPEED_MPS]) if is_rounded else np.array([0.01, 0.01])
    pairs = np.stack([steps["steer"], steps["throttle"]], axis=1)
    return np.asarray(np.round(np.round(pairs / grid) * grid, 2) + 0.0)
