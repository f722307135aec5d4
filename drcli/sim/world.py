"""K cars on one track in lockstep: the vectorised environment of training and evaluation.

A car is a world of its own: the cars share nothing but the ground they drive on, each has its own clock.
What a step does and when is in docs/simulator.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import cos, hypot, radians, sin
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from drcli.sim.camera import RowProgram, render, row_program
from drcli.sim.car import drive, new_cars, put
from drcli.sim.geometry import Road, road_of
from drcli.sim.params import NOSE_M, STEP_S, CameraParams, CarParams, palette_of
from drcli.sim.race import Episode, RaceConfig, Referee, Status, Verdict
from drcli.sim.raster import Ground, draw_ground
from drcli.sim.reading import Action, Reading, facts_of, reward_params
from drcli.sim.reward import RewardFunction
from drcli.sim.sensing import new_race, new_readings, sense
from drcli.sim.track import INNER_LANE, OUTER_LANE, Track

_CAR, _CAMERA = CarParams(), CameraParams()
_AT_REST = Action(0.0, 0.0, 0)


class Transition(NamedTuple):
    """What a step brought, by car; nothing of a parked car means anything."""

    obs: npt.NDArray[np.uint8]  # [K, 120, 160] to act on next; after an episode's end, of the next start
    rewards: npt.NDArray[np.float32]  # [K]
    terminated: npt.NDArray[np.bool_]  # [K]
    truncated: npt.NDArray[np.bool_]  # [K]
    episodes: list[Episode]  # those that ended in this step


class World:
    """`num_cars` cars on a track; `reward` None pays the centre-line reward that simapp evaluates with.

    Actions: steering in degrees (+ left, clipped to ±30) and speed in m/s (clipped to 0.1 … 4).
    Observations: grey images, 0 to 255. Episodes are numbered from `first_episode` in the order they start,
    which is what round robin and alternating directions go by. There is no chance in a time trial: `seed` is
    for what comes to have some.

    Raises:
        RewardError: from `step`, when the reward function fails.
    """

    def __init__(
        self,
        track: Track,
        config: RaceConfig,
        num_cars: int,
        reward: RewardFunction | None = None,
        seed: int = 0,
        first_episode: int = 0,
    ) -> None:
        self.track = track
        self.config = config
        self.seed = seed
        self.next_episode = first_episode
        self.active = np.zeros(num_cars, np.bool_)
        self.cars = new_cars(num_cars)
        self._road, self._ground, self._rows = _scene_of(track)
        self._race = new_race(num_cars)
        self._readings = new_readings(num_cars)
        self._images = np.zeros((num_cars, _CAMERA.height_px, _CAMERA.width_px), np.uint8)
        self._ways = track, track.reversed()
        self._facts = facts_of(track, False), facts_of(track, True)
        self._rewards = [reward.for_car() for _ in range(num_cars)] if reward else []
        self._referees: dict[int, Referee] = {}
        self._steps = [0] * num_cars  # each car's clock
        self._quota: list[int] | None = None
        self._spread_from, self._spread_over = first_episode, num_cars

    def reset(self, episodes_per_car: Sequence[int] | None = None) -> npt.NDArray[np.uint8]:
        """Start all cars anew; with a quota each drives so many episodes and is then parked (`active` False).

        Returns the images `[K, 120, 160]`. Unfinished episodes are dropped without a record.
        """
        self._quota = list(episodes_per_car) if episodes_per_car is not None else None
        self._spread_from = self.next_episode
        self._spread_over = max(sum(self._quota), 1) if self._quota is not None else len(self.active)
        for k in range(len(self.active)):
            self._start(k)
        return self._look()

    def step(
        self, steering_deg: npt.ArrayLike, speed_mps: npt.ArrayLike, actions: Sequence[int | str]
    ) -> Transition:
        """Drive 1/15 s: commands `[K]`, and what the trace calls them (an index, or `[steering speed]`).

        Reward, rules and trace judge the pose before the action moves the car, as simapp does.
        """
        steering, speed = np.asarray(steering_deg, np.float64), np.asarray(speed_mps, np.float64)
        readings = self._readings.of_all()
        orders = list(map(Action, steering.tolist(), speed.tolist(), actions))
        drive(_CAR, self.cars, steering, speed, self.active)
        rewards = np.zeros(len(self.active), np.float32)
        terminated, truncated = np.zeros((2, len(self.active)), np.bool_)
        episodes = []
        for k in self.active.nonzero()[0].tolist():
            self._steps[k] += 1
            rewards[k], verdict = self._judge(k, readings[k], orders[k])
            if verdict.pause_s >= 0.0:
                verdict = self._put_back(k, verdict, orders[k])
            terminated[k], truncated[k] = verdict.terminated, verdict.truncated
            if verdict.done:
                episodes.append(self._referees[k].episode)
                self._start(k)
        return Transition(self._look(), rewards, terminated, truncated, episodes)

    def _judge(self, k: int, at: Reading, action: Action) -> tuple[float, Verdict]:
        """Reward and verdict for one car, which go on record."""
        referee = self._referees[k]
        verdict = referee.judge(at)
        now_s = self._steps[k] * STEP_S
        if self._rewards:
            facts = self._facts[referee.episode.is_reversed]
            params = reward_params(at, action, facts, referee.steps, now_s - STEP_S)
            reward = self._rewards[k](params, now_s)
        else:
            reward = center_line_reward(at)
        referee.record(at, action, verdict, reward, now_s)
        return reward, verdict

    def _start(self, k: int) -> None:
        """Set a car down where the next episode starts and let the prepare step pass; or park it."""
        self.active[k] = self._quota is None or self._quota[k] > 0
        if not self.active[k]:
            return
        if self._quota is not None:
            self._quota[k] -= 1
        number, race = self.next_episode, self._race
        self.next_episode += 1
        is_reversed, ndist = self.config.is_reversed(number), self._start_ndist(number)
        put(self.cars, k, *self._ways[is_reversed].pose_at(ndist))
        race.start_ndist[k], race.is_reversed[k], race.previous_progress[k] = ndist, is_reversed, 0.0
        episode = Episode(k, number, ndist, self._steps[k] * STEP_S, is_reversed)
        self._referees[k] = Referee(self.config, episode, self.track.length_m)
        self._stand(k, _AT_REST, Status.PREPARE)

    def _start_ndist(self, number: int) -> float:
        if not self.config.spread_starts:
            return self.config.start_ndist(number)
        share = (number - self._spread_from) / self._spread_over
        return (self.config.start_ndist(self._spread_from) + share) % 1.0

    def _put_back(self, k: int, fault: Verdict, action: Action) -> Verdict:
        """Set a car down where it was a step before its fault, on the nearer lane, and wait out the penalty.

        simapp forgets to add the start position here; we do not.
        """
        episode, before = self._referees[k].episode, self._referees[k].recent[0]
        heading = radians(before.heading_deg)
        x, y = before.x_m - NOSE_M * cos(heading), before.y_m - NOSE_M * sin(heading)
        way, ndist = self._ways[episode.is_reversed], episode.start_ndist + before.progress % 100.0 / 100.0
        lanes = [way.lane_pose_at(ndist, lane) for lane in (INNER_LANE, OUTER_LANE)]
        put(self.cars, k, *min(lanes, key=lambda pose: hypot(pose[0] - x, pose[1] - y)))

        verdict, left_s = fault, fault.pause_s
        while not verdict.done and (verdict is fault or left_s > 1e-6):
            left_s = max(left_s - STEP_S, 0.0)
            verdict = self._stand(k, action, Status.PAUSE, left_s)
        return verdict

    def _stand(self, k: int, action: Action, phase: Status, pause_s: float = 0.0) -> Verdict:
        """A step in which the car stands, which earns nothing and which the driver does not see."""
        self._steps[k] += 1
        only = np.zeros_like(self.active)
        only[k] = True
        self._sense(only, running=False)
        at = self._readings.of(k)
        verdict = self._referees[k].judge(at, phase)
        self._referees[k].record(at, action, verdict, 0.0, self._steps[k] * STEP_S, pause_s)
        return verdict

    def _look(self) -> npt.NDArray[np.uint8]:
        """Read all cars for the next step and draw what they see."""
        self._sense(self.active, running=True)
        render(self._ground, self._rows, self.cars, self.active, self._images)
        return self._images.copy()

    def _sense(self, seen: npt.NDArray[np.bool_], running: bool) -> None:
        limit = self.config.number_of_reverse_counts
        sense(self._road, self.cars, self._race, limit, seen, running, self._readings)


def center_line_reward(at: Reading) -> float:
    """simapp's own reward (markov/defaults.py): 1, 0.5 or 0.1 within 10, 25 or 50 % of the width."""
    share = at.distance_from_center_m / at.track_width_m
    return 1.0 if share <= 0.1 else 0.5 if share <= 0.25 else 0.1 if share <= 0.5 else 1e-3


@lru_cache(maxsize=4)
def _scene_of(track: Track) -> tuple[Road, Ground, RowProgram]:
    """What all worlds on a track share."""
    ground = draw_ground(track, palette_of(track.name))
    return road_of(track), ground, row_program(_CAMERA, ground)
