"""Does a reward function pay fast laps more than slow ones? Compares drives of one track. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np

from drcli.rewards.drives import Drive
from drcli.sim.track import Array

RIGHT, UNRELATED = 0.8, 0.3  # Kendall's tau: from here on the order is right; up to here it is no order
DISCOUNTS = (0.9, 0.95, 0.97, 0.98, 0.99, 0.995, 0.999)
_SAME_S, _SAME_PCT, _SAME = 0.05, 2.0, 1e-9
_MOST_PAIRS = 5

Measure = Callable[[Drive], float]


@dataclass(frozen=True)
class Order:
    """How well a measure of reward follows the quality of drives: rank correlations, 1 (right) to -1; NaN: unknown."""

    spearman: float
    kendall: float

    @property
    def verdict(self) -> str:
        """In a word."""
        if np.isnan(self.kendall):
            return "unknown"
        if self.kendall >= RIGHT:
            return "right"
        return (
            "partly" if self.kendall > UNRELATED else "unrelated" if self.kendall > -UNRELATED else "reversed"
        )


@dataclass(frozen=True, eq=False)
class WrongPair:
    """A drive that earns more than a better one, and which tenths of the lap pay for that, the most first."""

    worse: Drive
    better: Drive
    tenths: tuple[int, ...]

    @property
    def gain(self) -> float:
        """How much more it earns, as a share of the larger reward."""
        largest = max(abs(self.worse.total), abs(self.better.total), _SAME)
        return (self.worse.total - self.better.total) / largest

    @property
    def reason(self) -> str:
        """Where the additional reward comes from."""
        steps = len(self.worse.rewards) / max(len(self.better.rewards), 1)
        if self.worse.mean <= self.better.mean and self.worse.mean > 0.0:
            return f"a step earns less, but it takes {steps:.1f} times as many steps"
        places = ", ".join(f"{10 * tenth} to {10 * tenth + 10} %" for tenth in self.tenths)
        more = f", in {steps:.1f} times as many steps" if steps >= 1.1 else ""
        return f"it earns more at {places} of the lap{more}"


@dataclass(frozen=True, eq=False)
class Ranking:
    """Drives by the reward of the episode, the highest first, and how that order compares with how good they are."""

    drives: tuple[Drive, ...]
    discount: float

    @classmethod
    def of(cls, drives: Sequence[Drive], discount: float) -> Ranking:
        """Rank them. `discount`: the training's discount_factor."""
        return cls(tuple(sorted(drives, key=lambda drive: -drive.total)), discount)

    @cached_property
    def laps(self) -> list[Drive]:
        """Complete laps that are judged by their time, the fastest first."""
        return sorted((d for d in self.drives if d.is_lap and d.is_judged), key=lambda drive: drive.time_s)

    @cached_property
    def by_episode(self) -> Order:
        """Complete laps, by the reward of the episode."""
        return order(self.laps, lambda drive: drive.total)

    @cached_property
    def by_step(self) -> Order:
        """Complete laps, by the mean reward of a step."""
        return order(self.laps, lambda drive: drive.mean)

    @cached_property
    def discounted(self) -> Order:
        """Complete laps, by what the learner sees with the training's discount factor."""
        return self._discounted(self.discount)

    @cached_property
    def paid_failures(self) -> list[Drive]:
        """Drives without a complete lap that are worth more to the learner than any complete lap."""
        most = max((drive.discounted(self.discount) for drive in self.laps), default=np.inf)
        return [
            drive
            for drive in self.drives
            if not drive.is_lap and drive.discounted(self.discount) > most + _SAME
        ]

    @cached_property
    def wrong_pairs(self) -> list[WrongPair]:
        """The worst pairs in which the worse drive earns more in its episode."""
        judged = [drive for drive in self.drives if drive.is_judged]
        found = []
        for one, two in combinations(judged, 2):
            better, worse = (one, two) if is_better(one, two) else (two, one)
            if is_better(better, worse) and worse.total > better.total + _SAME:
                more = worse.by_tenth() - better.by_tenth()
                tenths = tuple(int(tenth) for tenth in np.argsort(-more)[:3] if more[tenth] > 0.0)
                found.append(WrongPair(worse, better, tenths))
        return sorted(found, key=lambda pair: -pair.gain)

    @cached_property
    def good_discounts(self) -> list[float]:
        """Discount factors, of some usual ones, with which the learner sees the right order."""
        return [discount for discount in DISCOUNTS if self._discounted(discount).verdict == "right"]

    def _discounted(self, discount: float) -> Order:
        return order(self.laps, lambda drive: drive.discounted(discount))

    @property
    def is_right(self) -> bool:
        """Whether a training with this discount factor is paid for fast, complete laps."""
        return self.discounted.verdict == "right" and not self.paid_failures

    @property
    def is_harmful(self) -> bool:
        """Whether a training would be paid for something else than complete laps, the faster the better."""
        return self.discounted.verdict not in ("right", "partly") or bool(self.paid_failures)

    @property
    def verdict(self) -> str:
        """One sentence."""
        if len(self.laps) < 2:
            return "There are not enough complete laps to compare."
        episode, learner = self.by_episode.verdict, self.discounted.verdict
        if self.paid_failures:
            names = ", ".join(drive.name for drive in self.paid_failures)
            return f"It pays for failing: {names} is worth more than any complete lap."
        if learner == "right" and episode == "right":
            return "It pays fast laps more than slow ones."
        if learner == "right":
            return (
                f"With discount_factor {self.discount:g} fast laps are worth more than slow ones, but the reward of an "
                "episode does not show it: compare models by lap time."
            )
        return _SENTENCES[learner]

    @property
    def advice(self) -> str:
        """What to do about it; empty if nothing."""
        if self.is_right or len(self.laps) < 2:
            return ""
        if self.paid_failures:
            return "Pay more than 0 for every step on the track, and nothing for the last step of a failed episode."
        if self.good_discounts:
            return f"With discount_factor {self.good_discounts[-1]:g} the learner would see the right order."
        if all(pair.worse.mean <= pair.better.mean for pair in self.wrong_pairs[:_MOST_PAIRS]):
            return "Every step earns about the same, so a slow lap collects more of them: pay for progress per step."
        return "Look at the tenths of the lap in which the slower drive earns more: `dr reward plot` shows where."


_SENTENCES = {
    "partly": "It pays fast laps more than slow ones only in part.",
    "unrelated": "What it pays has nothing to do with speed.",
    "reversed": "It pays slow laps more than fast ones.",
    "unknown": "It pays all laps the same.",
}


def is_better(one: Drive, other: Drive) -> bool:
    """Whether a drive is clearly better: a complete lap, a faster one, or further before it failed."""
    if one.is_lap and other.is_lap:
        return one.time_s < other.time_s - _SAME_S
    if one.is_lap or other.is_lap:
        return one.is_lap
    return one.distance_pct > other.distance_pct + _SAME_PCT


def order(laps: Sequence[Drive], measure: Measure) -> Order:
    """Rank correlations of a measure with speed, over complete laps; NaN if there are fewer than two."""
    speed = np.array([-lap.time_s for lap in laps])
    pay = np.round([measure(lap) for lap in laps], 9)
    if len(laps) < 2 or np.ptp(pay) == 0.0 or np.ptp(speed) == 0.0:
        return Order(np.nan, np.nan)
    return Order(float(np.corrcoef(_ranks(speed), _ranks(pay))[0, 1]), _kendall(speed, pay))


def _ranks(values: Array) -> Array:
    """Ranks from 1; equal values share the mean of theirs."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = counts.cumsum()
    return np.asarray((last - (counts - 1) / 2.0)[inverse])


def _kendall(one: Array, other: Array) -> float:
    """Kendall's tau b, which is aware of ties (M. G. Kendall, The treatment of ties in ranking problems, 1945)."""
    signs = [np.sign(values[:, None] - values) for values in (one, other)]
    together, *own = ((a * b).sum() for a, b in ((signs[0], signs[1]), (signs[0],) * 2, (signs[1],) * 2))
    return float(together / np.sqrt(own[0] * own[1]))
