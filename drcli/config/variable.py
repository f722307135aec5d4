"""The building blocks of the table of settings: sections, variables, kinds of text.

`drcli.config.settings` contains the table itself; this module defines how its rows are written and read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import Field, GetCoreSchemaHandler
from pydantic.fields import FieldInfo
from pydantic_core import CoreSchema, core_schema

from drcli.config.randomised_parts import PICTURE_PARTS
from drcli.config.world_names import world_names
from drcli.tables import Table

SYSTEM, RUN = "system.env", "run.env"
COMMUNITY, OURS = "the community's engine", "drcli's own engine"


@dataclass(frozen=True)
class Text:
    """A kind of text: `pattern` must match all of it, `words` describe it in messages. Empty texts are accepted."""

    pattern: str
    words: str

    def check(self, text: str) -> str:
        """Return `text`. Raises ValueError if it is not of this kind."""
        if text and not re.fullmatch(self.pattern, text):
            raise ValueError(self.words)
        return text

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))


@dataclass(frozen=True)
class TextList(Text):
    """Several texts of a kind, separated by commas, each once. `pattern` is that of one, `words` describe the list."""

    def check(self, text: str) -> str:
        """Return `text`. Raises ValueError if it is no such list."""
        for item in world_names(text) if text else ():
            super().check(item)
        return text


@dataclass(frozen=True)
class Named:
    """One of so many `names` that messages and pages describe them with `words`."""

    names: tuple[str, ...]
    words: str

    def check(self, text: str) -> str:
        """Return `text`. Raises ValueError if it is none of the names."""
        if text not in self.names:
            raise ValueError(self.words)
        return text

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))


@dataclass(frozen=True)
class Member:
    """The name of a table's member. Messages and pages list `names`; other names in the table are accepted, too."""

    names: tuple[str, ...]
    table: Table

    def check(self, text: str) -> str:
        """Return `text`. Raises ValueError if there is no such member."""
        if text not in self.names and text not in self.table:
            raise ValueError(", ".join(self.names))
        return text

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))


Names = Annotated[
    str,
    TextList(
        r"[A-Za-z0-9][\w.-]*", "letters, digits and _ . -; several names separated by commas, each once"
    ),
]
Parts = Annotated[
    str,
    TextList("|".join(PICTURE_PARTS), f"some of {', '.join(PICTURE_PARTS)}, separated by commas, each once"),
]
FileName = Annotated[str, Text(r"(?!\.\.?$)[^/\\]+", "a file name")]
Bucket = Annotated[
    str, Text(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "a bucket name (lower case, 3 to 63 characters)")
]
Key = Annotated[str, Text(r"(?!(.*/)?\.\.(/|$))[^\\]*[^/\\][^\\]*", "a key or prefix in the bucket")]
Url = Annotated[str, Text(r"https?://[^/\s]+\S*", "an address, http://… or https://…")]
Positions = Annotated[
    str,
    Text(
        r"(\s*(0(\.\d*)?|1(\.0*)?|\.\d+)\s*,\s*[+-]?1\s*(;|$))+",
        "fraction of the track and lane (-1 or 1), separated by `;`: 0.2,-1;0.5,1",
    ),
]


@dataclass(frozen=True)
class Section:
    """A group of settings in one file; calling it creates one row of the table."""

    file: str
    title: str

    def __call__(
        self,
        default: object,
        description: str,
        *,
        rare: bool = False,
        example: str = "",
        worker: bool = False,
        secret: bool = False,
        only_for: str = "",
        **limits: Any,
    ) -> Any:
        """A pydantic field.

        Args:
            default: typed; a text may refer to settings above it (`$DR_CAR_NAME`).
            description: one line.
            rare: templates show it commented out.
            example: what templates show instead of the default.
            worker: whether `worker-N.env` may set it too.
            secret: never shown.
            only_for: the engine that reads it, if the other one does not: `COMMUNITY` or `OURS`.
            limits: `ge`, `gt`, `le` of pydantic.
        """
        facts: Any = {"section": self, "rare": rare, "example": example, "worker": worker, "secret": secret}
        facts |= {"only_for": only_for, "limits": limits}
        return Field(default, description=description, json_schema_extra=facts, **limits)


@dataclass(frozen=True)
class Variable:
    """One `DR_` variable as messages, templates and the reference page show it."""

    name: str
    description: str
    default: str
    expected: str
    section: Section
    rare: bool = False
    example: str = ""
    worker: bool = False
    secret: bool = False
    choices: tuple[str, ...] = ()
    boolean: bool = False
    optional: bool = False  # whether empty means None; otherwise it means the default
    only_for: str = ""

    @property
    def meaning(self) -> str:
        """The description, and the engine it is for unless it is for all."""
        return f"{self.description} Only for {self.only_for}." if self.only_for else self.description

    @classmethod
    def of(cls, attribute: str, info: FieldInfo) -> Variable:
        """The variable behind a field of the table."""
        facts: Any = info.json_schema_extra
        kinds = _kinds(info.annotation)
        default = "" if info.default is None else str(info.default)
        return cls(
            name=f"DR_{attribute.upper()}",
            description=info.description or "",
            default=default,
            expected=_expected(kinds, info.metadata, facts["limits"]),
            section=facts["section"],
            rare=facts["rare"],
            example=facts["example"] or default,
            worker=facts["worker"],
            secret=facts["secret"],
            choices=_choices(kinds, info.metadata),
            boolean=bool in kinds,
            optional=type(None) in kinds,
            only_for=facts["only_for"],
        )


def _kinds(annotation: Any) -> tuple[Any, ...]:
    """`int | None` → `(int, NoneType)`; any other type → itself alone."""
    return get_args(annotation) if type(None) in get_args(annotation) else (annotation,)


def _choices(kinds: tuple[Any, ...], metadata: list[Any]) -> tuple[str, ...]:
    listed = [kind.names for kind in metadata if isinstance(kind, (Member, Named))]
    return next(iter(listed + [get_args(kind) for kind in kinds if get_origin(kind) is Literal]), ())


def _expected(kinds: tuple[Any, ...], metadata: list[Any], limits: dict[str, Any]) -> str:
    """The values a variable accepts, as text."""
    for kind in metadata:
        if isinstance(kind, (Text, Named)):
            return kind.words
    choices = _choices(kinds, metadata)
    if bool in kinds or choices:
        return ", ".join(choices) or "True, False"
    if str in kinds:
        return "text"
    word = "a whole number" if int in kinds else "a number"
    if "gt" in limits:
        return f"{word} above {limits['gt']}"
    if "le" in limits:
        return f"{word}, {limits['ge']} to {limits['le']}"
    return f"{word}, {limits['ge']} or more" if "ge" in limits else word
