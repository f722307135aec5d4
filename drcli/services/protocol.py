"""What trainer and workers say to each other, as typed values; `drcli.services.wire` carries them.

worker  -> trainer   Alive (hello and heartbeat), Experience, Evaluated, Failed
trainer -> worker    Welcome, Collect, Evaluate, Goodbye
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from drcli.services.wire import Message, WireError
from drcli.sim.race import Episode, Lap, TraceRow
from drcli.train.ppo import Rollout

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Alive:
    """I am worker `index` and drive `num_cars` cars; sent once a second."""

    kind: ClassVar[str] = "alive"
    index: int
    num_cars: int


@dataclass(frozen=True)
class Welcome:
    """You belong to the crew. `episodes_done`: training episodes recorded for your index so far."""

    kind: ClassVar[str] = "welcome"
    seed: int
    episodes_done: int
    is_e_greedy: bool = False
    e_greedy_value: float = 0.05
    epsilon_steps: int = 10_000


@dataclass(frozen=True)
class Collect:
    """Drive with policy `policy`: `steps_per_car` steps with every car, or `episodes` whole episodes.

    `step` counts the steps of the run so far. `max_steps` bounds what is learned from (0: no bound).
    Weights come along when the worker has an older policy.
    """

    kind: ClassVar[str] = "collect"
    assignment: int
    policy: str
    steps_per_car: int
    episodes: int
    step: int
    max_steps: int = 0
    weights: Arrays = field(default_factory=dict)


@dataclass(frozen=True)
class Evaluate:
    """Drive `episodes` greedy episodes with policy `policy`, in idle time."""

    kind: ClassVar[str] = "evaluate"
    assignment: int
    policy: str
    episodes: int
    weights: Arrays = field(default_factory=dict)


@dataclass(frozen=True)
class Goodbye:
    """The run has ended; leave."""

    kind: ClassVar[str] = "goodbye"


@dataclass(frozen=True)
class Experience:
    """What came of a Collect: the rollout, and the episodes that ended in it."""

    kind: ClassVar[str] = "experience"
    assignment: int
    rollout: Rollout
    episodes: tuple[Episode, ...]


@dataclass(frozen=True)
class Evaluated:
    """What came of an Evaluate."""

    kind: ClassVar[str] = "evaluated"
    assignment: int
    episodes: tuple[Episode, ...]


@dataclass(frozen=True)
class Failed:
    """This worker cannot go on for a reason that the user can mend, such as an error in the reward function."""

    kind: ClassVar[str] = "failed"
    message: str
    hint: str


ToTrainer = Alive | Experience | Evaluated | Failed
ToWorker = Welcome | Collect | Evaluate | Goodbye
_PLAIN: dict[str, type[Alive | Failed | Welcome | Goodbye]] = {
    c.kind: c for c in (Alive, Failed, Welcome, Goodbye)
}


def to_message(value: ToTrainer | ToWorker) -> Message:
    """As a wire message; arrays are not copied."""
    header = {f.name: getattr(value, f.name) for f in fields(value)}
    arrays: Arrays = {}
    if isinstance(value, Collect | Evaluate):
        arrays = header.pop("weights")
    if isinstance(value, Experience | Evaluated):
        header["episodes"] = [_episode_to_list(episode) for episode in value.episodes]
    if isinstance(value, Experience):
        arrays = header.pop("rollout")._asdict()
    return Message(value.kind, header, arrays)


def from_message(message: Message) -> ToTrainer | ToWorker:
    """The typed value of a wire message. WireError when it is none."""
    header = dict(message.header)
    try:
        if message.kind in _PLAIN:
            return _PLAIN[message.kind](**header)
        if message.kind == Collect.kind:
            return Collect(**header, weights=message.arrays)
        if message.kind == Evaluate.kind:
            return Evaluate(**header, weights=message.arrays)
        header["episodes"] = tuple(_episode_from_list(parts) for parts in header["episodes"])
        if message.kind == Experience.kind:
            return Experience(**header, rollout=_check(Rollout(**message.arrays)))
        if message.kind == Evaluated.kind:
            return Evaluated(**header)
    except (TypeError, KeyError, ValueError) as error:
        raise WireError(f"malformed {message.kind!r}: {error}") from error
    raise WireError(f"unknown message {message.kind!r}")


def _check(rollout: Rollout) -> Rollout:
    steps = len(rollout.rewards)
    if any(len(part) != steps for part in rollout[:6]) or rollout.lengths.sum() != steps:
        raise ValueError("the parts of the rollout differ in length")
    if rollout.obs.dtype != np.uint8 or rollout.obs.shape[1:] != (120, 160):
        raise ValueError("the images are not uint8 [N, 120, 160]")
    return rollout


_EPISODE_FIELDS = [f.name for f in fields(Episode) if f.name not in ("rows", "laps")]
_LAP_FIELDS = [f.name for f in fields(Lap)]


def _episode_to_list(episode: Episode) -> list[Any]:
    laps = [[getattr(lap, name) for name in _LAP_FIELDS] for lap in episode.laps]
    return [[getattr(episode, name) for name in _EPISODE_FIELDS], [list(row) for row in episode.rows], laps]


def _episode_from_list(parts: list[Any]) -> Episode:
    values, rows, laps = parts
    return Episode(
        **dict(zip(_EPISODE_FIELDS, values, strict=True)),
        rows=[TraceRow(*row) for row in rows],
        laps=[Lap(**dict(zip(_LAP_FIELDS, lap, strict=True))) for lap in laps],
    )
