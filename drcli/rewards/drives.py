"""Drives that a reward function is judged by: what each step earned, how far it came, how long it took."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from drcli.config.race_settings import RaceSettings
from drcli.contract.episode import Episode, Status, TraceRow
from drcli.rewards.dodging import ATTENTIVE, Dodging, Lapse
from drcli.sim.pursuit import Course
from drcli.sim.racing_line import speeds_on
from drcli.sim.step_rewards import RewardSource
from drcli.sim.track import Array, Track
from drcli.sim.world import World

_REWARD, _PROGRESS = (TraceRow._fields.index(name) for name in ("reward", "progress"))
FROM_THE_LINE = RaceSettings(change_start_position=False)
_MOST_STEPS = 6000  # a car that never arrives
_PLACES = np.arange(1.0, 100.0)  # percent of the lap


@dataclass(frozen=True, eq=False)
class Drive:
    """One episode; `rewards` and `progress` (percent) by step, `[T]`. `time_s` is meaningful for complete laps."""

    name: str
    status: str
    time_s: float
    rewards: Array
    progress: Array
    is_judged: bool = True  # whether it should earn what its speed deserves

    @property
    def is_lap(self) -> bool:
        """Whether it completed the lap."""
        return self.status == Status.LAP_COMPLETE

    @property
    def distance_pct(self) -> float:
        """How far it came."""
        return float(self.progress.max()) if len(self.progress) else 0.0

    @property
    def total(self) -> float:
        """The reward of the whole episode."""
        return float(self.rewards.sum())

    @property
    def mean(self) -> float:
        """The mean reward of a step."""
        return float(self.rewards.mean()) if len(self.rewards) else 0.0

    def discounted(self, discount: float) -> float:
        """What the rest of the drive is worth to the learner, averaged over 99 places of the lap.

        That is the discounted sum of the rewards from a place on; after the end, and where it never came, it is 0.
        """
        worth = np.zeros(len(self.rewards))
        rest = 0.0
        for step in range(len(worth) - 1, -1, -1):
            worth[step] = rest = self.rewards[step] + discount * rest
        if not len(worth):
            return 0.0
        reached = np.maximum.accumulate(self.progress)
        return float(np.interp(_PLACES, reached, worth, right=0.0).mean())

    def by_tenth(self) -> Array:
        """`[10]`: the reward earned in each tenth of the lap."""
        tenth = np.clip(self.progress // 10.0, 0, 9).astype(int)
        return np.bincount(tenth, weights=self.rewards, minlength=10).astype(np.float64)


def drive_courses(
    track: Track,
    courses: Mapping[str, Course],
    reward: RewardSource,
    unjudged: Collection[str] = (),
    race: RaceSettings = FROM_THE_LINE,
    lapse_of: Callable[[str], Lapse] = lambda name: ATTENTIVE,
) -> list[Drive]:
    """Drive every course once, all side by side, with an instance of the function each.

    unjudged: courses of which some authors want to pay more than for their speed, some less; lapse_of: the
    name of a course, for its driver.

    Raises:
        RewardError: the function fails.
    """
    episodes = _driven(track, race, [*courses.values()], reward, [lapse_of(name) for name in courses])
    return [
        _drive(name, episode, name not in unjudged) for name, episode in zip(courses, episodes, strict=True)
    ]


def ways_on(line: Array, max_speed_mps: float, lateral_mps2: Sequence[float]) -> list[Course]:
    """The courses on a line that differ by how fast they take bends; each only once, where no bend is that tight."""
    courses = (Course(line, speeds_on(line, max_speed_mps, limit)) for limit in lateral_mps2)
    return [*{course.speeds_mps.tobytes(): course for course in courses}.values()]


def drivable(
    track: Track, ways: Sequence[Sequence[Course]], race: RaceSettings = FROM_THE_LINE
) -> list[Course]:
    """Of each list of courses the one with the fastest lap, tried in the simulator; the last one if there is none."""
    every = [course for courses in ways for course in courses]
    tried = iter(_driven(track, race, every))
    chosen = []
    for courses in ways:
        laps = [
            (e.end_time_s - e.start_time_s, course)
            for course, e in zip(courses, tried, strict=False)
            if e.is_lap
        ]
        chosen.append(min(laps, key=lambda lap: lap[0])[1] if laps else courses[-1])
    return chosen


def _driven(
    track: Track,
    race: RaceSettings,
    courses: Sequence[Course],
    reward: RewardSource | None = None,
    lapses: Sequence[Lapse] = (),
) -> list[Episode]:
    """An episode on each course; what is still driving after a long time ends there."""
    world = World(track, race, len(courses), sensors=(), reward=reward)
    world.reset(episodes_per_car=[1] * len(courses))
    driver = Dodging(world, courses, lapses)
    episodes: dict[int, Episode] = {}
    for _ in range(_MOST_STEPS):
        for episode in world.step(driver.actions()).episodes:
            episodes[episode.car] = episode
        if not world.active.any():
            break
    return [episodes.get(k, unfinished) for k, unfinished in enumerate(world.records.episodes)]


def _drive(name: str, episode: Episode, is_judged: bool) -> Drive:
    rows = [row for row in episode.rows if row.episode_status not in (Status.PREPARE, Status.PAUSE)]
    status = episode.status if episode.laps else Status.IN_PROGRESS
    time_s = episode.end_time_s - episode.start_time_s
    rewards, progress = (np.array([row[at] for row in rows], np.float64) for at in (_REWARD, _PROGRESS))
    return Drive(name, str(status), time_s, rewards, progress, is_judged)
