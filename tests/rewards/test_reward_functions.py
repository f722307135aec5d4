"""Reward functions as racers write them, each in a file that begins with what has to come of it.

`# expect: works` or `# expect: error TEXT`; `# find: TEXT` of a finding; `# state:`, `# clock:`, `# prints:`,
`# random:` yes or no. Each drives in the simulator and is checked as by `dr reward check`.
"""

from __future__ import annotations

import functools
import importlib
import re
from pathlib import Path

import numpy as np
import pytest

from drcli.config.race_settings import RaceSettings
from drcli.errors import DrError
from drcli.rewards import reward_check as checking
from drcli.rewards.car_states import EpisodeCalls, driven_calls
from drcli.rewards.reward_check import check_reward
from drcli.sim import reward as reward_module
from drcli.sim.reward import RewardFunction
from drcli.sim.track import Track
from drcli.sim.world import World

FILES = sorted((Path(__file__).parent / "functions").glob("*.py"))
each = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


@functools.cache
def marks(path: Path) -> dict[str, list[str]]:
    """The comments at the beginning of a file, by their first word."""
    found: dict[str, list[str]] = {}
    for line in path.read_bytes().decode("utf-8-sig").splitlines():
        mark = re.fullmatch(r"# (\w+): (.*)", line)
        if not mark:
            break
        found.setdefault(mark[1], []).append(mark[2])
    return found


def expected_error(path: Path) -> str:
    word, _, text = marks(path)["expect"][0].partition(" ")
    assert word in ("works", "error")
    return text


@pytest.fixture(autouse=True)
def patience(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """An endless loop need not be waited for; all others may take their time on a busy machine."""
    path = getattr(request.node, "callspec", None) and request.node.callspec.params["path"]
    limit_s = 0.3 if path and "takes longer" in expected_error(path) else 60.0
    monkeypatch.setattr(reward_module, "LIMIT_S", limit_s)
    monkeypatch.setattr(reward_module, "FIRST_LIMIT_S", limit_s)
    monkeypatch.setattr(checking, "FIRST_LIMIT_S", limit_s)


@pytest.fixture(scope="module", autouse=True)
def imported() -> None:
    """What the functions import, so that nothing but the functions is timed."""
    for name in ("pandas", "scipy.interpolate", "shapely.geometry"):
        importlib.import_module(name)


@pytest.fixture(scope="module")
def episodes(ring: Track) -> list[EpisodeCalls]:
    return driven_calls(ring, 2.5, None)


def source_of(path: Path) -> str:
    return path.read_bytes().decode(errors="replace")


def test_there_are_many() -> None:
    assert len(FILES) >= 60
    assert sum(bool(expected_error(path)) for path in FILES) >= 20


@each
def test_it_drives_or_says_why_not(path: Path, ring: Track) -> None:
    """One car drives the ring to its end, one leaves it, again and again."""
    error = expected_error(path)
    try:
        reward = RewardFunction(source_of(path), path.name, log=lambda line: None)
        world = World(ring, RaceSettings(), 2, sensors=(), reward=reward, record=False)
        world.reset()
        rewards = [world.step([(6.3, 2.5), (0.0, 2.5)]).rewards for _ in range(95)]
    except DrError as caught:
        assert error and error in caught.message, caught
        assert caught.message.startswith(path.name)
        return
    assert not error, "it works"
    assert np.isfinite(rewards).all()


@each
def test_the_check_says_the_same(path: Path, episodes: list[EpisodeCalls]) -> None:
    error, report = expected_error(path), check_reward(source_of(path), path.name, episodes)
    said = [f"{finding.message} {finding.hint}" for finding in report.findings]
    assert bool(report.errors) == bool(error), report.errors
    assert not error or any(error in finding.message for finding in report.errors), report.errors
    for text in marks(path).get("find", ()):
        assert any(text in line for line in said), said
    shown = {
        "state": report.keeps_state,
        "clock": report.reads_clock,
        "prints": report.printed > 0,
        "random": report.is_random,
    }
    wanted = {name: marks(path)[name][0] == "yes" for name in shown if name in marks(path)}
    assert {name: shown[name] for name in wanted} == wanted
    if not error:
        assert len(report.values) == 9
