"""Typed settings that remember where they come from: the text of each value as the user wrote it, and its source."""

from __future__ import annotations

from collections.abc import Mapping
from string import Template
from types import MappingProxyType

from pydantic import BaseModel, ConfigDict, PrivateAttr

from drcli.config.envfile import Value


class SourcedValues(BaseModel):
    """The base class of the table of settings; `drcli.config.load` fills in texts, sources and notices."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=lambda name: f"DR_{name.upper()}", allow_inf_nan=False
    )
    _values: Mapping[str, Value] = PrivateAttr(default_factory=dict)
    _notices: tuple[str, ...] = PrivateAttr(default=())

    def text(self, name: str) -> str:
        """The text of `DR_X` as the user wrote it, or of its default, expanded; params documents contain it."""
        return self._values[name].text

    def source(self, name: str) -> str:
        """Where the value of `DR_X` comes from: `file:line`, `--set` or `default`."""
        return self._values[name].source

    def is_changed(self, name: str) -> bool:
        """Whether the value of `DR_X` differs from its default, which may consist of other settings."""
        attribute = name.removeprefix("DR_").lower()
        default = type(self).model_fields[attribute].default
        if isinstance(default, str):
            default = Template(default).safe_substitute(
                {key: value.text for key, value in self._values.items()}
            )
        return bool(getattr(self, attribute) != default)

    @property
    def values(self) -> Mapping[str, Value]:
        """Text and source of every setting, and of the user's own keys after them."""
        return MappingProxyType(dict(self._values))

    @property
    def notices(self) -> tuple[str, ...]:
        """What the user should know about the env files, one line each."""
        return self._notices
