"""K cars on one track in lockstep: the vectorised environment of training and evaluation.

The cars share only the ground they drive on, unless the race lets them meet, and each has its own clock.
docs/simulator.md describes the order of a step. The parts can be used separately: physics (`car_dynamics`),
measurements (`telemetry_kernel`), verdicts, rewards, records.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from drcli.config.race_settings import RaceSettings
from drcli.contract.episode import STATUSES, Episode, Status
from drcli.sim.actuation import Actuation
from drcli.sim.car_arrays import Array, Bools, new_arrays
from drcli.sim.car_dynamics import drive, new_cars, put
from drcli.sim.car_generations import car_of
from drcli.sim.constants import STEP_S
from drcli.sim.episode_records import EpisodeRecords
from drcli.sim.geometry import road_of
from drcli.sim.parallel_rewards import rewards_of
from drcli.sim.races.race_type import EpisodeStart, Race
from drcli.sim.sensors.sensor import Observations, Scene, SensorSpec, sensor_specs, sensor_type
from drcli.sim.starts import perturbed, spread_share
from drcli.sim.step import Label, Step
from drcli.sim.step_rewards import RewardSource, center_line_rewards
from drcli.sim.styling import Styling
from drcli.sim.telemetry import CarHistory, Telemetry
from drcli.sim.telemetry_kernel import measure
from drcli.sim.track import Pose, Track
from drcli.sim.verdicts import Referee, Verdicts
from drcli.tables import RACES

_CRASHED = Status.CRASHED.code


class Transition(NamedTuple):
    """The result of a step, by car; values of parked cars are meaningless."""

    obs: Observations  # [K, …] to act on next; at the end of an episode, of the next start
    rewards: npt.NDArray[np.float32]  # [K]
    terminated: Bools  # [K]
    truncated: Bools  # [K]
    episodes: list[Episode]  # those that ended in this step


class World:
    """`num_envs` cars on a track; observations are `[K, *shape]` by sensor name, as listed in `sensors`.

    `reset` and `step` are those of a Gymnasium vector environment with SAME_STEP autoreset: when an episode ends,
    the observation is already that of the next one. A car that has driven its quota is parked instead, and its last
    observation is that of the end.

    Args:
        reward: None: the centre-line reward that simapp evaluates with.
        record: whether episodes keep the rows of their traces; laps, progress and rewards are always kept.
        sensors: their names, or their specs if they are configured.
        seed: for what a race randomises (a time trial nothing), perturbed starts, pictures, actions, noise of sensors.

    Raises:
        UsageError: there is no race or sensor with that name.
        RewardError: from `step`, if the reward function fails.
    """

    def __init__(
        self,
        track: Track,
        settings: RaceSettings,
        num_envs: int,
        *,
        sensors: Sequence[str | SensorSpec] = ("FRONT_FACING_CAMERA",),
        reward: RewardSource | None = None,
        record: bool = True,
        seed: int = 0,
    ) -> None:
        self.track, self.settings, self.num_envs = track, settings, num_envs
        self.race: Race = RACES.load(settings.race_type)(track, settings, num_envs)
        self.sensors = sensor_specs(sensors)
        self.next_episode = 0  # its number; episodes are numbered in the order they start
        self.active = np.zeros(num_envs, np.bool_)
        self.cars = new_cars(num_envs)
        places = range(len(settings.metadata_versions))  # of models, which drive every so many cars
        self._fleet = [(car_of(settings, i), np.arange(num_envs) % len(places) == i) for i in places]
        self._actuation = Actuation(settings, num_envs)
        self.history, self.telemetry = new_arrays(CarHistory, num_envs), new_arrays(Telemetry, num_envs)
        self.referee = Referee(settings, num_envs)
        self.records = EpisodeRecords(num_envs, track.length_m, rows=record)
        self._rewards = rewards_of(track, reward, num_envs) if reward else None
        self._road = road_of(track)
        self._views = {
            spec.name: (sensor_type(spec)(track), np.zeros((num_envs, *spec.shape), spec.dtype))
            for spec in self.sensors
        }
        self._styling = Styling(track.name, settings, num_envs)
        self.styles = self._styling.styles
        self._no_reward, self._no_pause = [0.0] * num_envs, [0.0] * num_envs
        self._is_reversed = [False] * num_envs  # as in the history, for rewards
        self._noise_seed = np.zeros(num_envs, np.int64)
        self.seed = seed
        self._quota: npt.NDArray[np.int64] | None = None
        self._episodes_per_car: npt.NDArray[np.int64] | None = None
        self._spread_from, self._spread_over = 0, num_envs

    @property
    def reward_ms(self) -> float:
        """Mean wall-clock time of a call of the reward function, 0 without one."""
        return self._rewards.ms_per_call if self._rewards else 0.0

    def reset(
        self,
        *,
        seed: int | None = None,
        episodes_per_car: Sequence[int] | None = None,
        cars: npt.NDArray[np.bool_] | None = None,
    ) -> Observations:
        """Restart all cars, or only `cars` `[K]`. Unfinished episodes are dropped without a record.

        With a quota each car drives that many episodes and is then parked (`active` False); a reset of some `cars`
        gives them the quota of the last reset of all cars. `seed` replaces the world's; `next_episode` is unchanged.
        """
        if seed is not None:
            self.seed = seed
        if cars is None:
            cars = np.ones(self.num_envs, np.bool_)
            quota = None if episodes_per_car is None else np.array(episodes_per_car, np.int64)
            self._episodes_per_car = quota
            self._quota = None if quota is None else quota.copy()
            self._spread_from = self.next_episode
            self._spread_over = self.num_envs if quota is None else max(int(quota.sum()), 1)
        elif self._quota is not None and self._episodes_per_car is not None:
            self._quota[cars] = self._episodes_per_car[cars]
        self._start(cars)
        return self._look(cars & self.active)

    def shares(self, episodes: int) -> list[int]:
        """How many of so many episodes each car drives: equally many, the first ones one more where it does not fit."""
        return [episodes // self.num_envs + (k < episodes % self.num_envs) for k in range(self.num_envs)]

    @property
    def due(self) -> Bools:
        """Whether each car drives in the next step, `[K]`: all active ones, unless a race makes some of them wait."""
        return self.active & self.race.due(self.referee.counts.clock)

    def park(self, cars: Bools) -> None:
        """Break off the episodes of `cars` `[K]`, without a record, until the next reset."""
        self.active &= ~cars
        self.race.park(cars)

    def step(self, actions: npt.ArrayLike, labels: Sequence[Label] | None = None) -> Transition:
        """Drive for 1/15 s, or as long as steps last that jitter.

        Args:
            actions: `[K, 2]`, steering in degrees (+ left, clipped to ±30) and speed in m/s (clipped to 0.1 … 4).
            labels: the names of these actions in the trace, such as an index.

        Reward, rules and trace judge the pose before the action moves the car, as simapp does.
        """
        driven, actions = self.due, np.ascontiguousarray(actions, np.float64)
        if self._actuation.varies:
            self.referee.counts.late_s += self._lengthen(driven)
        faults = self.race.faults(self.cars, self.telemetry)
        verdicts = self.referee.judge(self.telemetry.progress, faults, driven)
        step = self._step(driven, actions, labels)
        rewards = self._pay(step, verdicts)
        pause_s = self._penalties(verdicts) if verdicts.is_eventful else self._no_pause
        self.records.add(step, verdicts, rewards, pause_s)

        arriving = self._actuation.carried_out(actions, driven) if self._actuation.varies else actions
        for car, are_such in self._fleet:
            drive(car, self.cars, arriving, driven & are_such)
        self.race.advance(self.cars, driven)
        terminated, episodes = verdicts.terminated, []
        if verdicts.is_eventful:
            terminated = terminated | self._put_back(verdicts, actions, labels, pause_s)
            done = terminated | verdicts.truncated
            episodes = [self.records.episodes[k] for k in done.nonzero()[0].tolist()]
            self._start(done)
        self._styling.go_on(driven & self.active, self.referee.counts.steps)
        obs = self._look(driven, driven | self.due)  # who was waiting sees how the others have moved
        return Transition(obs, np.array(rewards, np.float32), terminated, verdicts.truncated, episodes)

    def _lengthen(self, cars: Bools) -> Array:
        """Set how long the present step lasts; returns `[K]` by how much more than 1/15 s that is."""
        self.cars.step_s[cars] = self._actuation.lengths_s(cars)[cars]
        return np.where(cars, self.cars.step_s - STEP_S, 0.0)

    def _step(self, cars: Bools, actions: Array, labels: Sequence[Label] | None) -> Step:
        counts = self.referee.counts
        numbers = cars.nonzero()[0].tolist()
        began_s = counts.clock_s - self.cars.step_s
        return Step(numbers, self.telemetry, actions, labels, counts.steps, counts.clock_s, began_s)

    def _pay(self, step: Step, verdicts: Verdicts) -> list[float]:
        if self._rewards is None:
            return center_line_rewards(step)
        crashed = (verdicts.status == _CRASHED).nonzero()[0].tolist() if verdicts.is_eventful else ()
        added = self.race.reward_params(self.cars, self.telemetry)
        return self._rewards.pay(step, self._is_reversed, crashed, added)

    def _penalties(self, verdicts: Verdicts) -> list[float]:
        pause_s = self._no_pause.copy()
        for k in verdicts.forgiven.nonzero()[0].tolist():
            pause_s[k] = self.race.penalty_s(STATUSES[verdicts.status[k]])
        return pause_s

    def _start(self, cars: Bools) -> None:
        """Place cars where their next episodes start and run the prepare step; or park them."""
        if self._quota is not None:
            self.active[cars] = self._quota[cars] > 0
            self._quota[cars & self.active] -= 1
        else:
            self.active[cars] = True
        starting = cars & self.active
        self.race.park(cars & ~self.active)
        history = self.history
        for k in starting.nonzero()[0].tolist():
            start = self._next_start()
            pose = self._start_pose(k, start)
            self._noise_seed[k] = start.noise_seed
            self._styling.begin(k, start)
            put(self.cars, k, *pose)
            self._actuation.begin(k, start)
            history.start_ndist[k], history.is_reversed[k] = start.ndist, start.is_reversed
            self._is_reversed[k] = start.is_reversed
            history.previous_progress[k] = 0.0
            self.records.begin(k, start, float(self.referee.counts.clock_s[k]))
        self.referee.begin(starting)
        at_rest = np.zeros((self.num_envs, 2))
        self._stand(starting, at_rest, [0] * self.num_envs, Status.PREPARE, self._no_pause)

    def _start_pose(self, k: int, start: EpisodeStart) -> Pose:
        """Where the race wants it, and a little beside that if starts are perturbed and nothing stands there."""
        pose = self.race.start(k, start)
        if not self.settings.perturbed_starts:
            return pose
        beside = perturbed(pose, start)
        return beside if self.race.is_free(k, beside) else pose

    def _next_start(self) -> EpisodeStart:
        number, settings = self.next_episode, self.settings
        self.next_episode += 1
        ndist = settings.start_ndist(number)
        if settings.spread_starts:
            share = spread_share(number - self._spread_from, self._spread_over)
            ndist = (settings.start_ndist(self._spread_from) + share) % 1.0
        return EpisodeStart(number, ndist, settings.is_reversed(number), self.seed)

    def _put_back(
        self, verdicts: Verdicts, actions: Array, labels: Sequence[Label] | None, pause_s: list[float]
    ) -> Bools:
        """Put the forgiven cars back and wait for their penalties; returns which cars have finished by then."""
        for k in verdicts.forgiven.nonzero()[0].tolist():
            fault = STATUSES[verdicts.status[k]]
            put(self.cars, k, *self.race.put_back(k, fault, self.telemetry, self.history))
            self._actuation.forget(k)
        finished = np.zeros_like(verdicts.forgiven)
        waiting, left_s = verdicts.forgiven, np.array(pause_s)
        while waiting.any():
            left_s = np.maximum(left_s - STEP_S, 0.0)
            finished |= self._stand(waiting, actions, labels, Status.PAUSE, left_s.tolist())
            waiting = waiting & ~finished & (left_s > 1e-6)
        return finished

    def _stand(
        self,
        cars: Bools,
        actions: Array,
        labels: Sequence[Label] | None,
        phase: Status,
        pause_s: list[float],
    ) -> Bools:
        """A step in which cars stand, without reward and unseen by the driver; returns which cars have finished."""
        self.race.advance(self.cars, cars)
        self._measure(cars, running=False)
        verdicts = self.referee.wait(self.telemetry.progress, phase, cars)
        self.records.add(self._step(cars, actions, labels), verdicts, self._no_reward, pause_s)
        return verdicts.terminated

    def _look(self, cars: Bools, seeing: Bools | None = None) -> Observations:
        """Measure `cars` for the next step, and read the sensors of those that are `seeing`: by default the same."""
        self._measure(cars, running=True)
        seen = cars if seeing is None else seeing
        scene = Scene(
            self.cars, self.telemetry, self.race.boxes, self.history.is_reversed, seen,
            self.referee.counts.steps, self._noise_seed, self.styles,
        )  # fmt: skip
        for sensor, values in self._views.values():
            sensor.fill(scene, values)
        return {name: values.copy() for name, (_, values) in self._views.items()}

    def _measure(self, cars: Bools, running: bool) -> None:
        limit = self.settings.number_of_reverse_counts
        measure(self._road, self.cars, self.history.block, limit, cars, running, self.telemetry.block)
