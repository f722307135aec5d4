"""The messages between trainer and workers, as typed values; `drcli.services.shared.wire` transports them.

worker  -> trainer   Alive (hello and heartbeat), Experience, Evaluated, Failed, Leaving
trainer -> worker    Welcome, Collect, Evaluate, Goodbye
"""

from __future__ import annotations

import math
import reprlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Self, TypeVar

from numpy.typing import NDArray

from drcli.contract.episode import Episode, Lap, Status, TraceRow
from drcli.services.shared.wire import Message, WireError
from drcli.train.rollout import Rollout, RolloutSpec

Arrays = Mapping[str, NDArray[Any]]
POLICY = "policy"  # the seat of the model that is trained from pixels; see `drcli.services.shared.seats`


class _Plain:
    """A message that consists of numbers and texts."""

    kind: ClassVar[str]

    def to_message(self) -> Message:
        """Convert to a wire message."""
        return Message(self.kind, dict(vars(self)))

    @classmethod
    def from_message(cls, message: Message) -> Self:
        """The inverse. Raises TypeError, KeyError or ValueError if it is malformed."""
        return _typed(cls, message.header)


class _Assignment:
    """A message that includes the weights of a policy if the worker has an older one."""

    kind: ClassVar[str]
    weights: Arrays

    def to_message(self) -> Message:
        """Convert to a wire message."""
        header = {name: value for name, value in vars(self).items() if name != "weights"}
        return Message(self.kind, header, self.weights)

    @classmethod
    def from_message(cls, message: Message) -> Self:
        """The inverse. Raises TypeError, KeyError or ValueError if it is malformed."""
        return _typed(cls, message.header, weights=message.arrays)


@dataclass(frozen=True)
class Alive(_Plain):
    """Worker `index` drives `num_cars` cars; sent once a second.

    Identical containers do not know their index (-1): the trainer assigns one to each `name`.
    """

    kind: ClassVar[str] = "alive"
    index: int
    num_cars: int
    name: str = ""


@dataclass(frozen=True)
class Failed(_Plain):
    """The worker cannot continue for a reason that the user can fix, such as an error in the reward function."""

    kind: ClassVar[str] = "failed"
    message: str
    hint: str


@dataclass(frozen=True)
class Leaving(_Plain):
    """The worker was asked to stop; its assignments go to others."""

    kind: ClassVar[str] = "leaving"


@dataclass(frozen=True)
class Experience:
    """The result of a Collect: the rollout, and the episodes that ended in it.

    reward_ms: mean time of a call of the reward function, with its params.
    """

    kind: ClassVar[str] = "experience"
    assignment: int
    rollout: Rollout
    episodes: tuple[Episode, ...]
    reward_ms: float = 0.0

    def to_message(self) -> Message:
        """Convert to a wire message; arrays are not copied."""
        header = {**_results(self.assignment, self.episodes), "reward_ms": self.reward_ms}
        return Message(self.kind, header, self.rollout.arrays())

    @classmethod
    def from_message(cls, message: Message) -> Experience:
        """The inverse. Raises TypeError, KeyError or ValueError if it is malformed."""
        header = dict(message.header)
        reward_ms = float(header.pop("reward_ms"))
        if not math.isfinite(reward_ms):
            raise ValueError(f"reward_ms is {reward_ms}")
        assignment, episodes = _parsed_results(header)
        return cls(assignment, Rollout.from_arrays(message.arrays), episodes, reward_ms)


@dataclass(frozen=True)
class Evaluated:
    """The result of an Evaluate: at least one episode.

    perturbed: those from perturbed starts that ended; the others were broken off when one failed.
    """

    kind: ClassVar[str] = "evaluated"
    assignment: int
    episodes: tuple[Episode, ...]
    perturbed: tuple[Episode, ...] = ()

    def to_message(self) -> Message:
        """Convert to a wire message."""
        perturbed = [_episode_to_list(episode) for episode in self.perturbed]
        return Message(self.kind, {**_results(self.assignment, self.episodes), "perturbed": perturbed})

    @classmethod
    def from_message(cls, message: Message) -> Evaluated:
        """The inverse. Raises TypeError, KeyError or ValueError if it is malformed."""
        header = dict(message.header)
        perturbed = tuple(_episode_from_list(parts) for parts in header.pop("perturbed"))
        assignment, episodes = _parsed_results(header)
        if not episodes:
            raise ValueError("no episodes")
        return cls(assignment, episodes, perturbed)


@dataclass(frozen=True)
class Welcome(_Plain):
    """The receiver is worker `index`, with `episodes_done` recorded training episodes.

    hyperparameters: of the run, as JSON; the algorithm's actor reads them. episodes_before: how many of the episodes
    are from before this start of the run, and not in its logs.
    """

    kind: ClassVar[str] = "welcome"
    seed: int
    episodes_done: int
    index: int
    hyperparameters: str = "{}"
    episodes_before: int = 0


@dataclass(frozen=True)
class Collect(_Assignment):
    """Drive with policy `policy` in a seat: `steps_per_car` steps with every car, or `episodes` whole episodes.

    step: steps of the run so far; max_steps: limit of the steps to learn from (0: none); weights: included if the
    worker has an older policy in that seat.
    """

    kind: ClassVar[str] = "collect"
    assignment: int
    policy: str
    steps_per_car: int
    episodes: int
    step: int
    max_steps: int = 0
    seat: str = POLICY
    weights: Arrays = field(default_factory=dict)


@dataclass(frozen=True)
class Evaluate(_Assignment):
    """Drive `episodes` greedy episodes with policy `policy` in a seat, in idle time.

    perturbed: how many more from perturbed starts, side by side with the others; they are broken off when one fails;
    noise: standard deviation that is added to what a teacher sees; part: which of how many parts this is, so that they
    start in different places.
    """

    kind: ClassVar[str] = "evaluate"
    assignment: int
    policy: str
    episodes: int
    perturbed: int = 0
    noise: float = 0.0
    part: int = 0
    parts: int = 1
    seat: str = POLICY
    weights: Arrays = field(default_factory=dict)


@dataclass(frozen=True)
class Goodbye(_Plain):
    """The run has ended; the worker exits."""

    kind: ClassVar[str] = "goodbye"


ToTrainer = Alive | Experience | Evaluated | Failed | Leaving
ToWorker = Welcome | Collect | Evaluate | Goodbye
_TO_TRAINER: Mapping[str, type[ToTrainer]] = {
    c.kind: c for c in (Alive, Experience, Evaluated, Failed, Leaving)
}
_TO_WORKER: Mapping[str, type[ToWorker]] = {c.kind: c for c in (Welcome, Collect, Evaluate, Goodbye)}


def from_worker(message: Message, expected: Callable[[int], RolloutSpec | None]) -> ToTrainer:
    """Parse a worker's message. Raises WireError if it is malformed.

    expected: the spec of the rollout of an assignment; None if nobody waits for it.
    """
    try:
        said = _TO_TRAINER[message.kind].from_message(message)
        match said:
            case Experience() if spec := expected(said.assignment):
                spec.check(said.rollout)
    except (TypeError, KeyError, ValueError) as error:
        raise WireError(f"malformed {message.kind!r}: {error}") from error
    return said


def from_trainer(message: Message) -> ToWorker:
    """Parse the trainer's message. Raises WireError if it is malformed."""
    try:
        return _TO_WORKER[message.kind].from_message(message)
    except (TypeError, KeyError, ValueError) as error:
        raise WireError(f"malformed {message.kind!r}: {error}") from error


_Value = TypeVar("_Value")
_TYPES: dict[str, Any] = {"int": int, "float": int | float, "bool": bool, "str": str}


def _typed(cls: type[_Value], values: Mapping[str, Any], **rest: Any) -> _Value:
    """Create a dataclass of plain values after checking them against its annotations; no NaN, no Inf."""
    plain = dict(values)
    for item in fields(cls):  # type: ignore[arg-type]
        if item.name not in plain:
            continue
        value, kind = plain[item.name], str(item.type)
        if kind == "Status":
            plain[item.name] = Status(value)
        elif not isinstance(value, _TYPES[kind]):
            raise TypeError(f"{item.name} is {reprlib.repr(value)}, not {kind}")
        elif isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"{item.name} is {value}")
    return cls(**plain, **rest)


_EPISODE_FIELDS = [f.name for f in fields(Episode) if f.name not in ("rows", "laps")]
_LAP_FIELDS = [f.name for f in fields(Lap)]


def _results(assignment: int, episodes: tuple[Episode, ...]) -> dict[str, Any]:
    return {"assignment": assignment, "episodes": [_episode_to_list(episode) for episode in episodes]}


def _parsed_results(header: Mapping[str, Any]) -> tuple[int, tuple[Episode, ...]]:
    if header.keys() != {"assignment", "episodes"} or not isinstance(header["assignment"], int):
        raise ValueError(f"header {reprlib.repr(dict(header))}")
    return header["assignment"], tuple(_episode_from_list(parts) for parts in header["episodes"])


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
