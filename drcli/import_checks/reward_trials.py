"""Calls the reward function as DeepRacer on AWS does before it imports a model, in a process of its own."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from drcli import local
from drcli.import_checks.findings import REWARD, ImportFault, fault, note
from drcli.import_checks.track_rules import ROUTE_FILE, Route

_PROGRAM = "drcli.import_checks.reward_child"
_LIMIT_S = 60.0
_STATES = 5


def check_calls(source: bytes, route: Route) -> Iterator[ImportFault]:
    """Signature, imports while it runs, exceptions, type and size of the reward in five states, 5 s for each.

    Source: reward-function-validation/lib/reward_func_validator/test_reward_function.py.
    """
    states: dict[tuple[str, str], list[str]] = {}
    for state, what, hint in _problems(source, route):
        states.setdefault((what, hint), []).append(state)
    for (what, hint), names in states.items():
        place = f" {', '.join(names)}" if any(names) and len(names) < _STATES else ""
        if route.missing and ": IndexError" in what:
            other = (
                f"called on {route.track.name}: `dr tracks {route.missing}` downloads the track of the model"
            )
            yield note(REWARD, f"{what}{place}", other)
        else:
            yield fault(REWARD, f"{what}{place}", hint)


def _problems(source: bytes, route: Route) -> list[tuple[str, str, str]]:
    import numpy as np

    with tempfile.TemporaryDirectory(prefix="drcli-reward-") as name:
        folder = Path(name)
        (folder / REWARD).write_bytes(source)
        np.save(folder / ROUTE_FILE, route.track.rows)
        done = local.run_apart([sys.executable, "-m", _PROGRAM, str(folder)], folder, _LIMIT_S)
    if done.code == 0 and done.output:
        return [(state, what, hint) for state, what, hint in json.loads(done.output)]
    why = (
        f"did not return within {_LIMIT_S:g} s"
        if done.code is None
        else "ended the process, or needs too much memory"
    )
    return [("", f"reward_function {why}", "DeepRacer on AWS would not get a reward either")]
