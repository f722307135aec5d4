"""The installed version of drcli and its location, and, only if an address is given, the newest version there."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any

from packaging.version import InvalidVersion, Version

import drcli
from drcli.errors import DrError, UsageError

_TIMEOUT_S = 5.0
_MAX_BYTES = 5 << 20  # the JSON of a package with many releases has some hundred KB
_FIELDS = (("info", "version"), ("tag_name",), ("version",))  # package indexes, GitHub releases, others


@dataclass(frozen=True)
class Installed:
    """The installed drcli. `is_clone`: it runs from a clone of its repository."""

    version: str
    folder: str
    is_clone: bool

    @property
    def how_to_update(self) -> str:
        """The command that installs a newer version."""
        return f"git -C {self.folder} pull" if self.is_clone else "pip install --upgrade drcli"


def installed() -> Installed:
    """What is installed here. Needs no network."""
    folder = Path(drcli.__file__).resolve().parents[1]
    is_clone = (folder / ".git").exists()
    return Installed(drcli.__version__, str(folder), is_clone)


def ask(url: str) -> str:
    """The version that the address returns: plain text, or JSON of a package index or of GitHub's releases.

    Raises:
        UsageError: not an http address.
        DrError: it does not respond within five seconds, or returns no version.
    """
    if not re.match(r"https?://[^/\s]", url):
        raise UsageError(f"{url} is not a URL.", "It has to begin with https:// or http://.")
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as answer:
            content: bytes = answer.read(_MAX_BYTES)
    except (OSError, ValueError, HTTPException) as error:
        raise DrError(f"{url} is unreachable: {getattr(error, 'reason', error)}.") from None
    found = _version(content.decode(errors="replace").strip())
    if not found:
        raise DrError(
            f"{url} returned no version.", "It should return JSON with a version, or only the version."
        )
    return found


def is_newer(version: str, than: str) -> bool:
    """Whether a version is newer than another one, in the order of PEP 440."""
    return Version(version) > Version(than)


def _version(text: str) -> str:
    with suppress(ValueError):
        document: Any = json.loads(text)
        for path in _FIELDS:
            value = document
            for key in path:
                value = value.get(key) if isinstance(value, dict) else None
            if isinstance(value, str) and _is_version(value):
                return value.removeprefix("v")
        text = text if isinstance(document, int | float) else ""
    return text.removeprefix("v") if _is_version(text) else ""


def _is_version(text: str) -> bool:
    try:
        Version(text)
    except InvalidVersion:
        return False
    return True
