"""The file of a sweep or a search, typed and checked; every problem is reported with its line and key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    model_validator,
)

from drcli.config import yaml_lines
from drcli.config.jsonc import Parsed, Pointer
from drcli.config.problems import Problem, did_you_mean, raise_for
from drcli.errors import DrError, UsageError
from drcli.paths import is_folder_name
from drcli.sweep.variant_keys import problem_of_key, problem_of_value, setting_of, text_of

Criterion = Literal["mean_lap", "best_lap", "laps", "completion", "resets"]
Scalar = str | bool | int | float | None
_NAME = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Span(_Part):
    """A range to draw numbers from: whole ones if both ends are whole. log: every order of magnitude equally often."""

    low: int | float
    high: int | float
    log: bool = False

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.low >= self.high:
            raise ValueError("a range whose low is below its high")
        if self.log and self.low <= 0:
            raise ValueError("a range above 0, as log is true")
        return self

    def __str__(self) -> str:
        return f"{self.low} to {self.high}" + (" (log)" if self.log else "")

    @property
    def is_whole(self) -> bool:
        """Whether its numbers are whole."""
        return isinstance(self.low, int) and isinstance(self.high, int)


def _some(value: object) -> object:
    """Accept anything but an empty list."""
    if value == []:
        raise ValueError("a list with at least one value")
    return value


def _list_or_span(value: object) -> object:
    """A list as a tuple, a mapping as a range."""
    if isinstance(value, dict):
        return Span.model_validate(value)
    if not isinstance(value, list):
        raise ValueError("a list, or a range such as {low: 1e-4, high: 1e-2, log: true}")
    return tuple(value)


List = Annotated[tuple[Any, ...], BeforeValidator(_some)]
Values = Annotated[Any, BeforeValidator(_list_or_span), BeforeValidator(_some)]  # a tuple or a Span


class RandomSample(_Part):
    """Variants that are drawn: `count` of them; the same seed draws the same ones."""

    count: Annotated[int, Field(ge=1, le=1000)]
    seed: Annotated[int, Field(ge=0)] = 0
    values: Annotated[dict[str, Values], Field(min_length=1)]


class Evaluation(_Part):
    """How all models are evaluated. tracks: where; empty: on every track that a variant is trained on."""

    tracks: tuple[str, ...] = ()
    checkpoint: Literal["best", "last", "fastest"] = "best"
    settings: dict[str, Scalar] = {}


class SweepFile(_Part):
    """A sweep: the product of its list, its grid and its random sample. `search` and `trials` are for `dr tune`."""

    name: Annotated[str, Field(pattern=f"^{_NAME}$")] = ""
    rank_by: Criterion = "mean_lap"
    settings: dict[str, Scalar] = {}
    grid: dict[str, List] = {}
    list_: Annotated[tuple[dict[str, Any], ...], Field(alias="list")] = ()
    random: RandomSample | None = None
    search: dict[str, Values] = {}
    trials: Annotated[int, Field(ge=1, le=10_000)] | None = None
    evaluate: Evaluation = Evaluation()
    at_a_time: Annotated[int, Field(ge=1, le=50)] | None = None
    keep: Literal["all", "best"] = "all"
    _parsed: Parsed = PrivateAttr()
    _folder: Path = PrivateAttr()

    @classmethod
    def read(cls, path: Path, *, is_search: bool = False) -> SweepFile:
        """Read and check a file. Raises UsageError with every problem's line, DrError if it cannot be read."""
        try:
            text = path.read_bytes()
        except OSError as error:
            raise DrError(f"{path} cannot be read: {error.strerror or error}.") from None
        return cls.parse(text, path, is_search=is_search)

    @classmethod
    def parse(cls, text: bytes, path: Path, *, is_search: bool = False) -> SweepFile:
        """Check the text of a file whose place is `path`; paths in it start at its folder."""
        parsed = yaml_lines.parse(text, str(path))
        if not isinstance(parsed.value, dict):
            raise UsageError(
                f"{path}:1: a sweep is a set of keys, such as grid:", "docs/sweeps.md has examples"
            )
        _reject_unknown(parsed, is_search=is_search)
        try:
            found = cls.model_validate({"name": path.stem, **parsed.value})
        except ValidationError as error:
            parsed.reject_invalid(error)
        found._parsed, found._folder = parsed, path.resolve().parent
        raise_for([*found._problems(is_search=is_search)])
        return found

    @property
    def folder(self) -> Path:
        """Where paths in the file start."""
        return self._folder

    def where(self, *place: str | int) -> str:
        """`file:line` of a value."""
        return self._parsed.where(place)

    @cached_property
    def varied(self) -> tuple[str, ...]:
        """The keys in which variants differ, in the order of the file."""
        names = [key for key, _, _ in self._varied_values()]
        return tuple(dict.fromkeys(names))

    def _varied_values(self) -> Iterator[tuple[str, Any, Pointer]]:
        """Each key that is varied with each of its values, and where that stands."""
        for number, entry in enumerate(self.list_):
            yield from ((key, value, ("list", number, key)) for key, value in entry.items() if key != "name")
        parts: list[tuple[Pointer, Mapping[str, Any]]] = [(("grid",), self.grid), (("search",), self.search)]
        if self.random is not None:
            parts.append((("random", "values"), self.random.values))
        for place, values in parts:
            for key, those in values.items():
                if isinstance(those, Span):
                    yield key, those.low, (*place, key)
                else:
                    yield from ((key, value, (*place, key, n)) for n, value in enumerate(those))

    def _problems(self, *, is_search: bool) -> Iterator[Problem]:
        if not is_folder_name(self.name):
            yield Problem(self.where("name"), f"name is {self.name}: it should be usable as a folder")
        for key, value, place in self._varied_values():
            where = self._parsed.where(place)
            found = problem_of_key(key, where, varies=True) or problem_of_value(
                key, value, where, self.folder
            )
            if found is not None:
                yield found
        for part, values in (("settings", self.settings), ("evaluate", self.evaluate.settings)):
            inner = (part,) if part == "settings" else (part, "settings")
            for key in values:
                where = self.where(*inner, key)
                found = problem_of_key(key, where, varies=False)
                if found is None and setting_of(key) is None:
                    found = Problem(where, f"{key} is not a setting", "only settings (DR_…) can be set here")
                if found is not None:
                    yield found
        yield from self._doubled()
        if is_search and not self.search:
            yield Problem(self.where(), "search is missing", "it lists what to vary and within which limits")
        if is_search and self.trials is None:
            yield Problem(
                self.where(), "trials is missing", "it is how many models to train, such as trials: 20"
            )
        if not is_search and not self.varied:
            yield Problem(self.where(), "nothing is varied", "add grid:, list: or random:")

    def _doubled(self) -> Iterator[Problem]:
        """Keys that two parts vary, or that are set in vain; an entry of the list may differ from the settings."""
        first: dict[str, Pointer] = {
            ("DR_SEED" if key == "seed" else key): ("settings", key) for key in self.settings
        }
        for key, _, place in self._varied_values():
            name = setting_of(key) or key
            other = first.setdefault(name, place)
            if other[0] != place[0] and {other[0], place[0]} != {"settings", "list"}:
                line = self._parsed.where(other).rpartition(":")[2]
                yield Problem(self._parsed.where(place), f"{key} is also in {other[0]}:, line {line}")


def pinned(values: Mapping[str, Scalar]) -> dict[str, str]:
    """Settings of the file as texts, by their full names."""
    return {setting_of(key) or key: text_of(value) for key, value in values.items()}


def _reject_unknown(parsed: Parsed, *, is_search: bool) -> None:
    """Keys of the file that do not exist, or are for the other command."""
    others = ("grid", "list", "random") if is_search else ("search", "trials")
    known = [field.alias or name for name, field in SweepFile.model_fields.items()]
    problems = []
    for key in parsed.value:
        if key in others:
            command = "dr sweep" if is_search else "dr tune"
            problems.append(Problem(parsed.where((key,)), f"{key} is for `{command}`"))
        elif key not in known:
            hint = (
                did_you_mean(str(key), known)
                or f"the keys are {', '.join(k for k in known if k not in others)}"
            )
            if setting_of(str(key)):
                hint = "put it under settings:"
            problems.append(Problem(parsed.where((key,)), f"{key} is not a key of this file", hint))
    raise_for(problems)
