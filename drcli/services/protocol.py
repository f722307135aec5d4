"""What trainer and workers say to each other, as typed values; `drcli.services.wire` carries them.

worker  -> trainer   Alive (hello and heartbeat), Experience, Evaluated, Failed, Leaving
trainer -> worker    Welcome, Collect, Evaluate, Goodbye
"""

from __future__ import annotations

import math
import reprlib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, TypeVar

import numpy as np
from numpy.typing import NDArray

from drcli.services.wire import Message, WireError
from drcli.sim.race import Episode, Lap, Status, TraceRow
from drcli.train.ppo import Rollout

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Alive:
    """I am worker `index` and drive `num_cars` cars; sent once a second.

    Of containers that are all alike none knows its index (-1): the trainer gives one to each `name`.
    """

    kind: ClassVar[str] = "alive"
    index: int
    num_cars: int
    name: str = ""


@dataclass(frozen=True)
class Welcome:
    """You belong to the crew, as worker `index`, for which `episodes_done` training episodes are recorded so far."""

    kind: ClassVar[str] = "welcome"
    seed: int
    episodes_done: int
    index: int
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


@dataclass(frozen=True)
class Leaving:
    """This worker was asked to end; what it had is for others to do."""

    kind: ClassVar[str] = "leaving"


ToTrainer = Alive | Experience | Evaluated | Failed | Leaving
ToWorker = Welcome | Collect | Evaluate | Goodbye
_PLAIN: dict[str, type[Alive | Failed | Leaving | Welcome | Goodbye]] = {
    c.kind: c for c in (Alive, Failed, Leaving, Welcome, Goodbye)
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
    header, arrays = dict(message.header), message.arrays
    try:
        if kind := _PLAIN.get(message.kind):
            return _typed(kind, header)
        if message.kind == Collect.kind:
            return _typed(Collect, header, weights=arrays)
        if message.kind == Evaluate.kind:
            return _typed(Evaluate, header, weights=arrays)
        episodes = tuple(_episode_from_list(parts) for parts in header.pop("episodes"))
        if message.kind == Experience.kind:
            return _typed(Experience, header, episodes=episodes, rollout=_checked(Rollout(**arrays)))
        if message.kind == Evaluated.kind and episodes:
            return _typed(Evaluated, header, episodes=episodes)
    except (TypeError, KeyError, ValueError) as error:
        raise WireError(f"malformed {message.kind!r}: {error}") from error
    raise WireError(f"unknown message {message.kind!r}")


_Value = TypeVar("_Value")
_TYPES: dict[str, Any] = {"int": int, "float": int | float, "bool": bool, "str": str}


def _typed(cls: type[_Value], values: Mapping[str, Any], **rest: Any) -> _Value:
    """A dataclass of plain values, whose types are those of its annotations; no NaN, no Inf."""
    plain = dict(values)
    for item in fields(cls):  # type: ignore[arg-type]
        if item.name not in plain:
            continue
        value, kind = plain[item.name], str(item.type)
        if kind == "Status":
            plain[item.name] = Status(value)
        elif not isinstance(value, _TYPES[kind]):
            raise TypeError(f"{item.name} is {reprlib.repr(value)}, no {kind}")
        elif isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"{item.name} is {value}")
    return cls(**plain, **rest)


def _checked(rollout: Rollout) -> Rollout:
    """A rollout whose parts have the types and shapes that `Rollout` tells."""
    steps, cars = len(rollout.rewards), len(rollout.lengths)
    actions = ("float32", (steps, 2)) if rollout.actions.dtype == np.float32 else ("int64", (steps,))
    wanted: dict[str, tuple[str, tuple[int, ...]]] = {
        "obs": ("uint8", (steps, 120, 160)),
        "actions": actions,
        "logprobs": ("float32", (steps,)),
        "values": ("float32", (steps,)),
        "rewards": ("float32", (steps,)),
        "dones": ("bool", (steps,)),
        "lengths": ("int64", (cars,)),
        "last_values": ("float32", (cars,)),
    }
    for name, array in rollout._asdict().items():
        if (array.dtype, array.shape) != wanted[name]:
            raise ValueError(f"{name} is {array.dtype} {array.shape}")
    if not cars or rollout.lengths.min() < 1 or rollout.lengths.sum() != steps:
        raise ValueError(f"lengths {reprlib.repr(rollout.lengths.tolist())} of {steps} steps")
    return rollout


_EPISODE_FIELDS = [f.name for f in fields(Episode) if f.name not in ("rows", "laps")]
_LAP_FIELDS = [f.name for f in fields(Lap)]


def _episode_to_list(episode: Episode) -> list[Any]:
    laps = [[getattr(lap, name) for name in _LAP_FIELDS] for lap in episode.laps]
    return [[getattr(episode, name) for name in _EPISODE_FIELDS], [list(row) for row in episode.rows], laps]


def _episode_from_list(parts: list[Any]) -> Episode:
    values, rows, laps = parts
    return _typed(
        Episode,
        dict(zip(_EPISODE_FIELDS, values, strict=True)),
        rows=[TraceRow(*row) for row in rows],
        laps=[_typed(Lap, dict(zip(_LAP_FIELDS, lap, strict=True))) for lap in laps],
    )
