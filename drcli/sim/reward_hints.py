"""Hints for the author of a reward function that failed, if its error tells the cause."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from functools import singledispatch
from pathlib import Path
from typing import Any, NamedTuple

from drcli import missing_package

# `if steps == 1:` and `if params["steps"] == 1:`; not in a comment.
_AT_STEP_1 = re.compile(r"^[^#\n]*\bsteps\b[\"')\]\s]*==\s*1(\.0*)?(?![\d.])", re.MULTILINE)


class Failed(NamedTuple):
    """The function that failed: its text, the file it was read from, the params it was called with."""

    source: str
    filename: str
    params: Mapping[str, Any]


@singledispatch
def hint_for(error: BaseException, failed: Failed) -> str:
    """A sentence that helps with an error of the function or its module; empty if there is none."""
    return ""


@hint_for.register
def _(error: ModuleNotFoundError, failed: Failed) -> str:
    return missing_package.advice(error.name or "", Path(failed.filename).parent)


@hint_for.register
def _(error: KeyError, failed: Failed) -> str:
    """The existing key that was probably meant."""
    if not error.args or error.args[0] in failed.params:
        return ""
    near = difflib.get_close_matches(str(error.args[0]), failed.params, n=1)
    return f"Did you mean params[{near[0]!r}]?" if near else ""


@hint_for.register
def _(error: IndexError, failed: Failed) -> str:
    """Most functions that read objects expect that there are some."""
    if "objects_" not in failed.source or failed.params.get("objects_location", True):
        return ""
    return (
        "There are no objects on the road, so all lists of them are empty. With DR_RACE_TYPE=OBJECT_AVOIDANCE or "
        "HEAD_TO_BOT there are some."
    )


@hint_for.register
def _(error: TypeError, failed: Failed) -> str:
    if "only 0-dimensional arrays" in str(error):
        return (
            "Take the number out of an array of one element: x.item() or x[0]. NumPy did so automatically up to 2.3, "
            "and still does in the community's engine."
        )
    return set_at_step_1(failed.source) if "NoneType" in str(error) else ""


@hint_for.register(NameError)
@hint_for.register(AttributeError)
def _(error: NameError | AttributeError, failed: Failed) -> str:
    return set_at_step_1(failed.source)


def set_at_step_1(source: str) -> str:
    """A popular racing-line template stores the first point of an episode if `steps == 1`, which is never true."""
    found = _AT_STEP_1.search(source)
    if not found:
        return ""
    line = source.count("\n", 0, found.end()) + 1
    return (
        f"Line {line} checks for steps == 1, but the first call of an episode has steps = 2, here as in the "
        "community's engine, so its code never runs. Write steps <= 2 there."
    )
