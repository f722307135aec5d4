"""Checks a reward function on real states: what it pays, what a call costs, what it reads, what is wrong with it."""

from __future__ import annotations

import difflib
import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from statistics import fmean
from time import perf_counter
from typing import Any, Literal, NamedTuple

import numpy as np

from drcli.errors import DrError
from drcli.rewards.car_states import Call, EpisodeCalls
from drcli.rewards.key_record import KeyRecord, RecordedParams
from drcli.sim.deadline import TooSlow, call_within
from drcli.sim.reward import FIRST_LIMIT_S, RewardError, RewardFunction, RewardTimeout
from drcli.sim.reward_hints import set_at_step_1

SLOW_MS = 0.1  # a call
# With a reward function that costs nothing: docs/benchmarks.md, on the machine named there.
BARE_STEPS_PER_S, STEPS_PER_S = 150_000, 30_000
_SAMPLES = 12
_GROWS, _GROWS_MS = 3.0, 0.05
Severity = Literal["error", "warning", "note"]


class RewardFinding(NamedTuple):
    """An error makes a training stop or keeps it from starting."""

    severity: Severity
    message: str
    hint: str = ""


@dataclass
class RewardReport:
    """`values`: reward by state; `cost_ms` is the mean of a lap, `first_ms` the first call with its imports."""

    values: dict[str, float] = field(default_factory=dict)
    all_values: set[float] = field(default_factory=set)  # in all steps
    types: set[str] = field(default_factory=set)  # of what it returns
    cost_ms: float = 0.0
    first_ms: float = 0.0
    keys: list[str] = field(default_factory=list)
    keeps_state: bool = False
    is_random: bool = False
    reads_clock: bool = False
    printed: int = 0  # lines, in a lap
    findings: list[RewardFinding] = field(default_factory=list)

    @property
    def errors(self) -> list[RewardFinding]:
        """What a training does not survive."""
        return [finding for finding in self.findings if finding.severity == "error"]

    def add(self, severity: Severity, message: str, hint: str = "") -> None:
        """Add a finding; the same one with other params only once."""
        first = message.partition("\n")[0]
        if all(finding.message.partition("\n")[0] != first for finding in self.findings):
            self.findings.append(RewardFinding(severity, message, hint))


def check_reward(source: str, filename: str, episodes: Sequence[EpisodeCalls]) -> RewardReport:
    """Call the function in every episode, with an instance of its own in each, and look at what it does.

    Args:
        episodes: of `driven_calls`; the first is a complete lap.
    """
    report = RewardReport()
    try:
        reward = RewardFunction(source, filename, log=lambda line: None)
    except DrError as error:
        report.add("error", error.message, error.hint)
        return report
    try:
        lap_rewards, *_ = [_drive(reward, episode, report) for episode in episodes]
    except RewardTimeout as error:
        report.add("error", error.message, error.hint)
        return report
    watched = _Watched(reward, report)
    for episode in episodes:
        watched.drive(episode)
    watched.conclude()
    if lap_rewards:
        _look_for_state(reward, episodes[0].calls, lap_rewards, report)
    _look_at_values(report)
    step_1 = set_at_step_1(source)
    if step_1:
        report.add("warning", step_1)
    return report


def _drive(reward: RewardFunction, episode: EpisodeCalls, report: RewardReport) -> list[float]:
    """The rewards of an episode, up to the first failure; times and shown values go to the report."""
    rewards: list[float] = []
    seconds: list[float] = []
    try:
        car = reward.for_car()
        for call in episode.calls:
            params, begun = call.copy(), perf_counter()
            rewards.append(car(params, call.time_s))
            seconds.append(perf_counter() - begun)
    except RewardTimeout:
        raise
    except RewardError as error:
        report.add("error", error.message, error.hint)
    report.all_values.update(rewards)
    report.values |= {name: rewards[at] for name, at in episode.shown.items() if at < len(rewards)}
    if not report.cost_ms and len(seconds) > 1:
        _look_at_cost(seconds, report)
    return rewards


def _look_at_cost(seconds: Sequence[float], report: RewardReport) -> None:
    report.first_ms, report.cost_ms = 1000 * seconds[0], 1000 * fmean(seconds[1:])
    if report.cost_ms > SLOW_MS:
        report.add(
            "warning",
            f"A call takes {report.cost_ms:.2f} ms: at most {1000 / report.cost_ms:,.0f} steps a second and core, "
            f"where the simulator alone drives about {STEPS_PER_S:,} with pictures and {BARE_STEPS_PER_S:,} without.",
            "Compute what stays the same once, outside of the function; docs/reward-functions.md says more.",
        )
    third = len(seconds) // 3
    first_ms, last_ms = (
        1000 * float(np.median(part)) for part in (seconds[1 : third + 1], seconds[-third:] or [0])
    )
    if third and last_ms > _GROWS * first_ms and last_ms - first_ms > _GROWS_MS:
        report.add(
            "warning",
            f"It gets slower within a lap: from {first_ms:.2f} to {last_ms:.2f} ms a call.",
            "Does it keep a list that only grows?",
        )


class _Watched:
    """Calls the function with params, a clock and a `print` that notice what it does with them."""

    def __init__(self, reward: RewardFunction, report: RewardReport) -> None:
        self._report = report
        self._record = KeyRecord(reward.filename)
        self._known: set[str] = set()
        self._now_s = 0.0
        self._reward = reward

    def drive(self, episode: EpisodeCalls) -> None:
        printed = 0

        def count(line: str) -> None:
            nonlocal printed
            printed += 1

        before, self._reward.print_line = self._reward.print_line, count
        try:
            # Failures are known from `_drive`.
            with suppress(Exception, TooSlow, SystemExit):
                function = self._reward.load(self._clock)
                for call in episode.calls:
                    self._now_s = call.time_s
                    self._known |= call.params.keys()
                    self._call(function, RecordedParams(call.copy(), self._record))
        finally:
            self._reward.print_line = before
        self._report.printed = max(self._report.printed, printed)

    def _call(self, function: Callable[[dict[str, Any]], object], params: RecordedParams) -> None:
        value = call_within(FIRST_LIMIT_S, function, params)
        self._report.types.add(type(value).__name__)

    def conclude(self) -> None:
        report, record = self._report, self._record
        report.keys = sorted(self._known if record.all_keys else record.read)
        for key, lines in record.unknown.items():
            near = difflib.get_close_matches(key, self._known, n=1)
            place = f"line {min(lines)}: " if min(lines) else ""
            hint = f"Did you mean {near[0]!r}?" if near else "docs/reward-functions.md lists the keys."
            report.add("warning", f"{place}params have no key {key!r}", hint)
        if record.written:
            report.add(
                "note",
                f"It writes into params: {', '.join(sorted(record.written))}. They are new in each step.",
            )
        others = report.types - {"float"}
        if others:
            report.add("note", f"It returns {', '.join(sorted(others))}; DeepRacer on AWS takes only float.")

    def _clock(self) -> float:
        self._report.reads_clock = True
        return self._now_s


def _look_for_state(
    reward: RewardFunction, calls: Sequence[Call], rewards: Sequence[float], report: RewardReport
) -> None:
    """Compare with new instances that know nothing of earlier steps; and these with each other, for chance."""
    for number in np.unique(np.linspace(1, len(rewards) - 1, _SAMPLES).astype(int)).tolist():
        alone, again = (_alone(reward, calls[number]) for _ in range(2))
        if alone != again:
            report.is_random = True
        elif alone != rewards[number]:
            report.keeps_state = True
    if report.is_random:
        report.keeps_state = False  # cannot be told


def _alone(reward: RewardFunction, call: Call) -> float | None:
    states = random.getstate(), np.random.get_state()
    try:
        return reward.for_car()(call.copy(), call.time_s)
    except RewardError:
        return None
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
        random.random()
        np.random.random()


def _look_at_values(report: RewardReport) -> None:
    values = report.values
    if (
        len(report.all_values) == 1 and not report.errors and "speed" not in report.keys
    ):  # all drive at one speed
        report.add("warning", "It pays the same in every state.", "There is nothing to learn from it.")
        return
    off, on = values.get("off the track"), values.get("half way round")
    if off is not None and on is not None and off >= on:
        report.add(
            "warning",
            f"The step off the track pays {off:.4g}, one half way round {on:.4g}.",
            "Pay less for leaving the track: params['is_offtrack'], params['all_wheels_on_track'].",
        )
