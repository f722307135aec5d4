"""The process that calls a reward function for the import check: `python -m … FOLDER`, which holds source and route.

Prints one JSON list: of each call that would be refused its state, line and cause. The function is foreign code, so
the process has limits of its own, and drcli starts it without credentials.
"""

from __future__ import annotations

import builtins
import inspect
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from drcli.errors import DrError
from drcli.import_checks.findings import REWARD
from drcli.import_checks.reward_states import Params, states
from drcli.import_checks.track_rules import ROUTE_FILE
from drcli.sim.deadline import TooSlow, call_within
from drcli.sim.reward import LIMIT_REWARD, RewardFunction

_LIMIT_S = 5.0
_MOST_BYTES = 3 << 30  # of addresses; NumPy, SciPy and shapely take less than half
_MOST_CPU_S = 60


class Problem(NamedTuple):
    """Why a call would be refused; `state` is empty if it is not about a call."""

    state: str
    what: str
    hint: str


class _ImportError(Exception):
    """An import while the function runs."""


class _Refused(Exception):
    """Why a call would be refused, and what to do about it."""

    def __init__(self, what: str, hint: str) -> None:
        super().__init__(what)
        self.what, self.hint = what, hint


def problems(source: str, rows: Any) -> Iterator[Problem]:
    """Each state that the function fails in, in a new module each; one that does not return is the last."""
    try:
        reward = RewardFunction(source, REWARD)
        function, *others = [reward.load(lambda: 0.0) for _ in range(len(states(rows)) + 1)]
    except DrError as error:
        yield Problem("", _place(error.message), error.hint)
        return
    if len(inspect.signature(function).parameters) != 1:
        yield Problem("", "reward_function has to take exactly one parameter", "def reward_function(params):")
        return
    for number, (state, params) in enumerate(states(rows).items()):
        try:
            with _no_imports() if number == 0 else nullcontext():
                _call(reward, others[number], params)
        except _Refused as refused:
            yield Problem(state, refused.what, refused.hint)
        except TooSlow as slow:
            line = next((f"line {line}: " for file, line in slow.stack if file == REWARD), "")
            yield Problem(state, f"{line}it takes longer than {_LIMIT_S:g} s", "make it faster")
            return


def _call(reward: RewardFunction, function: Callable[[Params], object], params: Params) -> None:
    """Raises _Refused or TooSlow."""
    try:
        value = call_within(_LIMIT_S, function, params)
    except TooSlow:
        raise
    except _ImportError as error:
        line = reward.line_of(error.__traceback__)
        hint = "move the import to the top of the file"
        raise _Refused(f"line {line}: it imports {error} while it runs", hint) from error
    except (Exception, SystemExit) as error:
        line = reward.line_of(error.__traceback__)
        what = f"line {line}: {type(error).__name__}: {error}"
        raise _Refused(what, reward.hint(error, params)) from error
    if not isinstance(value, float):
        raise _Refused(f"it returns {value!r} of type {type(value).__name__}", "return float(reward)")
    if not -LIMIT_REWARD <= value <= LIMIT_REWARD:
        raise _Refused(f"it returns {value}", f"a reward is between -{LIMIT_REWARD:g} and {LIMIT_REWARD:g}")


@contextmanager
def _no_imports() -> Iterator[None]:
    original = builtins.__import__

    def refuse(name: str, *_: Any, **__: Any) -> Any:
        raise _ImportError(name)

    builtins.__import__ = refuse
    try:
        yield
    finally:
        builtins.__import__ = original


def _place(message: str) -> str:
    rest = message.removeprefix(f"{REWARD}:").lstrip()
    return f"line {rest}" if rest[:1].isdigit() else rest


def _limit() -> None:
    try:
        import resource
    except ImportError:
        return  # Windows
    for kind, limit in ((resource.RLIMIT_AS, _MOST_BYTES), (resource.RLIMIT_CPU, _MOST_CPU_S)):
        with suppress(ValueError, OSError):  # macOS does not limit addresses
            resource.setrlimit(kind, (limit, limit))


def main() -> None:
    """Read the folder, call the function, print what was found; what the function prints is dropped."""
    folder = Path(sys.argv[1])
    answer = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    _limit()
    found = [*problems((folder / REWARD).read_text("utf-8"), np.load(folder / ROUTE_FILE))]
    os.write(answer, json.dumps(found).encode())
    os._exit(0)  # threads of the function do not matter


if __name__ == "__main__":
    main()
