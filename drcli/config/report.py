"""Settings as table rows: name, value, source, meaning. Secrets are masked."""

from __future__ import annotations

import re
from collections.abc import Sequence

from drcli.config.problems import did_you_mean
from drcli.config.settings import Settings, variables
from drcli.errors import UsageError

MASK = "********"
# Users' own keys can have any name; credentials of other tools are recognised by theirs.
_SECRET = re.compile(r"SECRET|PASSWORD|PASSWD|TOKEN|CREDENTIAL|ACCESS_KEY|API_KEY", re.IGNORECASE)
_LOGIN = re.compile(r"(://)[^/@\s]+@")


def report(settings: Settings, names: Sequence[str] = ()) -> list[dict[str, str]]:
    """Rows `name`, `value`, `source`, `description` of all settings and keys, or of those in `names`.

    Args:
        names: with or without `DR_`.

    Raises:
        UsageError: a name that is neither a setting nor a key of the env files.
    """
    chosen = [_full_name(name, settings) for name in names] or list(settings.values)
    return [_row(settings, name) for name in chosen]


def masked(name: str, text: str) -> str:
    """`text`, or a mask if `name` is a secret; logins in addresses are always masked."""
    row = variables().get(name)
    is_secret = row.secret if row else _SECRET.search(name) is not None
    return MASK if text and is_secret else _LOGIN.sub(rf"\1{MASK}@", text)


def _full_name(name: str, settings: Settings) -> str:
    for candidate in (name, name.upper(), f"DR_{name.upper()}"):
        if candidate in settings.values:
            return candidate
    hint = did_you_mean(name, settings.values) or did_you_mean(f"DR_{name}", settings.values)
    raise UsageError(f"{name} is not a setting.", hint or "`dr config` lists all settings")


def _row(settings: Settings, name: str) -> dict[str, str]:
    row = variables().get(name)
    return {
        "name": name,
        "value": masked(name, settings.text(name)),
        "source": settings.source(name),
        "description": row.meaning if row else "",
    }
