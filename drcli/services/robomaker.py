"""A worker: simulates cars, drives them by the trainer's policy, sends back what happened.

`python -m drcli.services.robomaker`. Collecting has priority; an evaluation goes on in idle time, step by
step, while the trainer learns.
"""

from __future__ import annotations

import random
import secrets
import time
from typing import NoReturn

import numpy as np
import torch

from drcli.errors import DrError
from drcli.services import acting, log, program
from drcli.services.acting import ActionSpace
from drcli.services.driving import Collector, Driver
from drcli.services.environment import Environment
from drcli.services.health import Heartbeat
from drcli.services.job import TrainingJob
from drcli.services.patience import patiently
from drcli.services.protocol import (
    Alive,
    Collect,
    Evaluate,
    Evaluated,
    Experience,
    Failed,
    Goodbye,
    Leaving,
    ToWorker,
    Welcome,
    from_message,
    to_message,
)
from drcli.services.run_watch import LONELY_S, RunWatch
from drcli.services.tracks import load_world
from drcli.services.weights import arrays_to_weights
from drcli.services.wire import WireError, WireKeys, WorkerSocket
from drcli.sim.race import Episode
from drcli.sim.reward import RewardFunction
from drcli.sim.world import World
from drcli.store import simtrace
from drcli.store.client import Bucket
from drcli.train.hardware import Hardware
from drcli.train.policy import Exploration, Policy

ALIVE_INTERVAL_S = 1.0


class _Asked(Exception):
    """A stop is requested, in the middle of whatever."""


class Robomaker:
    """One worker: its world, its policies, its end of the wire."""

    def __init__(self, job: TrainingJob, socket: WorkerSocket, reward: RewardFunction) -> None:
        environment = job.environment
        self._job = self._own = job  # the run's, and as this worker does it
        self._socket = socket
        self._reward = reward
        self._track = load_world(job.params.world_name, environment)
        self._space = ActionSpace(job.metadata)
        self._hardware = Hardware.detect(use_cuda=False)
        self._weights: tuple[str, dict[str, torch.Tensor]] = ("", {})
        self._last_alive = 0.0
        self._collector: Collector | None = None
        self._policy: Policy | None = None
        self._evaluation: Evaluation | None = None
        self._episodes_done = 0
        self._index = environment.worker_index
        self._was_welcomed = False
        self._heartbeat = Heartbeat.of_service()
        self._watch = RunWatch(job)
        self._last_heard = time.monotonic()
        self._stop: program.StopFlag | None = None

    def run(self, stop: program.StopFlag) -> bool:
        """Work until the run is over, or a stop is requested: whether it was. What we had is then for others to do."""
        self._stop = stop
        try:
            while True:
                self.tick()
                value = self._hear()
                if isinstance(value, Goodbye):
                    log.line("Received termination signal from trainer. Goodbye.")
                    return False
                if value is not None:
                    self._handle(value)
                elif self._socket.was_cut:
                    self._begin_again()
                elif self._evaluation is not None:
                    self._evaluate()
                elif self._is_over():
                    return False
        except _Asked:
            log.line("Asked to leave. Goodbye.")
            if self._socket.is_connected:
                self._socket.send(to_message(Leaving()))
            return True

    def tick(self) -> None:
        """Say that we are alive, once a second; called in every step of everything."""
        if self._stop is not None and self._stop.is_set:
            raise _Asked
        if self._was_welcomed:  # who waits for a trainer to come back is well, too
            self._heartbeat.beat()
        now = time.monotonic()
        # What is said to a trainer that is away would pile up.
        if now - self._last_alive > ALIVE_INTERVAL_S and self._socket.is_connected:
            self._last_alive = now
            environment = self._job.environment
            alive = Alive(environment.worker_index, environment.cars_per_worker, environment.worker_name)
            self._socket.send(to_message(alive))

    def _hear(self) -> ToWorker | None:
        message = self._socket.receive(0 if self._evaluation else 0.2)
        if message is None:
            return None
        self._last_heard = time.monotonic()
        try:
            return from_message(message)  # type: ignore[return-value]
        except WireError as error:
            log.line(f"A message that makes no sense was dropped: {error}")
            return None

    def _begin_again(self) -> None:
        """The connection broke, with or without the trainer: join anew, so that nothing that got lost is waited for."""
        log.line("The connection to the trainer broke. Waiting for it.")
        self._socket.renew(new_identity(self._index))
        self._last_alive = 0.0
        self._collector = self._evaluation = None

    def _is_over(self) -> bool:
        """Whether the run has ended without a word to us; asked when the trainer has been silent for long."""
        if time.monotonic() - self._last_heard < LONELY_S:
            return False
        reason = self._watch.look()
        if reason:
            log.line(f"The run is over: {reason}. Goodbye.")
        return bool(reason)

    def _handle(self, value: ToWorker) -> None:
        if isinstance(value, Welcome):
            self._join(value)
        elif isinstance(value, Collect | Evaluate) and self._collector is not None:
            if value.weights:
                self._weights = value.policy, arrays_to_weights(value.weights)
            if isinstance(value, Collect):
                self._collect(value)
            else:
                log.line(f"Evaluating policy {value.policy} over {value.episodes} episodes.")
                self._evaluation = self._start_evaluation(value)

    def _take_own_config(self) -> None:
        """In a multi-config run a worker has a track and rules of its own, by its index."""
        assert self._stop is not None
        own = patiently(lambda: self._job.of_worker(self._index), self._job.bucket, self._stop)
        if own.params != self._own.params:
            name, environment = own.params.world_name, own.environment
            self._track = patiently(lambda: load_world(name, environment), own.bucket, self._stop)
            self._own = own
            log.line(f"This worker drives on {name}.")

    def _join(self, welcome: Welcome) -> None:
        """Begin from scratch: a trainer that welcomes us does not know what we had."""
        environment = self._job.environment
        self._index, self._was_welcomed = welcome.index, True
        self._take_own_config()
        seed = welcome.seed + 7919 * self._index + welcome.episodes_done
        exploration = Exploration(welcome.is_e_greedy, welcome.e_greedy_value, welcome.epsilon_steps)
        self._policy = Policy(self._space.spec, self._hardware, exploration, seed)
        self._episodes_done = welcome.episodes_done
        random.seed(seed)  # for reward functions that use chance
        np.random.seed(seed % 2**32)
        world = World(
            self._track,
            self._own.race(),
            environment.cars_per_worker,
            self._reward,
            seed=seed,
            first_episode=welcome.episodes_done,
        )
        self._collector = Collector(Driver(world, self._space, self._policy), self.tick)
        self._evaluation = None

    def _collect(self, task: Collect) -> None:
        assert self._policy is not None and self._collector is not None
        self._policy.load(self._weights[1])
        if task.episodes:
            rollout, episodes = self._collector.episodes(task.episodes, task.step, task.max_steps)
        else:
            rollout, episodes = self._collector.steps(task.steps_per_car, task.step)
        self._socket.send(to_message(Experience(task.assignment, rollout, self._numbered(episodes))))

    def _numbered(self, episodes: list[Episode]) -> tuple[Episode, ...]:
        """Number training episodes in the order in which they ended, and log their steps."""
        for episode in episodes:
            episode.rows = [row._replace(episode=self._episodes_done) for row in episode.rows]
            self._episodes_done += 1
            log.lines(simtrace.format_log_line(row) for row in episode.rows)
        return tuple(episodes)

    def _start_evaluation(self, task: Evaluate) -> Evaluation:
        world = World(self._track, self._own.race(is_evaluation=True), task.episodes, self._reward)
        policy = Policy(self._space.spec, self._hardware, Exploration(), seed=0)
        policy.load(self._weights[1])
        return Evaluation(task, Driver(world, self._space, policy))

    def _evaluate(self) -> None:
        assert self._evaluation is not None
        if self._evaluation.step():
            task, episodes = self._evaluation.task, tuple(self._evaluation.episodes)
            for episode in episodes:
                episode.rows = []  # evaluations of a training are not in the traces (community's rollout_worker.py)
            self._socket.send(to_message(Evaluated(task.assignment, episodes)))
            self._evaluation = None


class Evaluation:
    """Greedy episodes, side by side, one step at a time."""

    def __init__(self, task: Evaluate, driver: Driver) -> None:
        self.task = task
        self.episodes: list[Episode] = []
        self._driver = driver
        driver.reset([1] * task.episodes)

    def step(self) -> bool:
        """One step of all cars; True when all episodes have ended."""
        *_, transition = self._driver.step(greedy=True)
        self.episodes += transition.episodes
        return not self._driver.world.active.any()


def main() -> None:
    """Run one worker."""
    program.run(work)


def work(environment: Environment, stop: program.StopFlag) -> bool:
    """Drive until the run is over or a stop is requested: whether it was. DrError goes to the trainer, too."""
    torch.set_num_threads(environment.threads)
    bucket = Bucket(environment.store)
    job = patiently(lambda: TrainingJob.read(environment), bucket, stop)
    acting.check_supported(job.metadata)
    secret, index = environment.wire_secret, environment.worker_index
    keys = WireKeys.from_secret(secret) if secret else WireKeys.await_keys(environment.wire_keys)

    def give_up(message: str) -> NoReturn:
        """From another thread, so the socket of this one is of no use to tell the trainer."""
        mouth = WorkerSocket(environment.wire_endpoint, keys, new_identity(index))
        mouth.send(to_message(Failed(message, "")))
        mouth.close()
        program.leave(message)

    socket = WorkerSocket(environment.wire_endpoint, keys, new_identity(index))
    try:
        reward = RewardFunction(*patiently(job.reward_function, bucket, stop), log=log.line, on_stuck=give_up)
        return Robomaker(job, socket, reward).run(stop)
    except DrError as error:
        socket.send(to_message(Failed(error.message, error.hint)))
        raise
    finally:
        socket.close()


def new_identity(index: int) -> bytes:
    """What the trainer knows us by from now on."""
    return f"{index}-{secrets.token_hex(8)}".encode()


if __name__ == "__main__":
    main()
