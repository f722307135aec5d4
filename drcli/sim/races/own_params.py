"""Reads a race type's own keys of a params document, with the values that each of them may have."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from drcli.errors import DrError

_TRUTH = {"true": True, "false": False}


class ParamError(DrError):
    """A key of the params document has a value that the race cannot use. `key` and `problem` are for other words."""

    def __init__(self, key: str, value: object, problem: str, hint: str = "") -> None:
        super().__init__(f"The params document has {key}: {value!r}, {problem}.", hint)
        self.key = key
        self.problem = problem


class OwnParams:
    """The raw values of a document. Numbers and booleans may be texts, as DeepRacer-for-Cloud writes them."""

    def __init__(self, values: Mapping[str, object]) -> None:
        self._values = values

    def number(self, key: str, default: float, least: float = 0.0, most: float = math.inf) -> float:
        """A number within limits. Raises ParamError."""
        value = self._value(key)
        if value is None:
            return default
        wanted = (
            f"expected a number of {least:g} or more" if most == math.inf
            else f"expected a number from {least:g} to {most:g}"
        )  # fmt: skip
        try:
            number = float(str(value))
        except ValueError:
            raise ParamError(key, value, wanted) from None
        if not (math.isfinite(number) and least <= number <= most):
            raise ParamError(key, value, wanted)
        return number

    def count(self, key: str, default: int) -> int:
        """A whole number, 0 or more. Raises ParamError."""
        value = self._value(key)
        if value is None:
            return default
        text = str(value).strip()
        if not text.isdecimal():
            raise ParamError(key, value, "expected a whole number, 0 or more")
        return int(text)

    def is_set(self, key: str) -> bool:
        """A boolean, False by default. Raises ParamError."""
        value = self._value(key)
        text = "false" if value is None else str(value).strip().lower()
        if text not in _TRUTH:
            raise ParamError(key, value, "expected True or False")
        return _TRUTH[text]

    def choice(self, key: str, default: str, names: Iterable[str]) -> str:
        """One of some names. Raises ParamError."""
        value = str(self._value(key) or default)
        if value not in names:
            raise ParamError(key, value, f"expected one of {', '.join(names)}")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts, without empty ones."""
        value = self._values.get(key) or ()
        items = value if isinstance(value, list | tuple) else str(value).split(";")
        return tuple(text for item in items if (text := str(item).strip()))

    def _value(self, key: str) -> object:
        value = self._values.get(key)
        return None if value == "" else value
