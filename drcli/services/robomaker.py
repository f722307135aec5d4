"""A worker: simulates cars, drives them by the trainer's policy, sends back what happened.

`python -m drcli.services.robomaker`. Collecting has priority; an evaluation goes on in idle time, step by
step, while the trainer learns.
"""

from __future__ import annotations

import random
import secrets
import time

import numpy as np
import torch

from drcli.errors import DrError
from drcli.services import acting, log, program
from drcli.services.acting import ActionSpace
from drcli.services.driving import Collector, Driver
from drcli.services.environment import Environment
from drcli.services.job import TrainingJob
from drcli.services.protocol import (
    Alive,
    Collect,
    Evaluate,
    Evaluated,
    Experience,
    Failed,
    Goodbye,
    ToWorker,
    Welcome,
    from_message,
    to_message,
)
from drcli.services.weights import arrays_to_weights
from drcli.services.wire import WireError, WireKeys, WorkerSocket
from drcli.sim.catalogue import load_track
from drcli.sim.race import Episode
from drcli.sim.reward import RewardFunction
from drcli.sim.world import World
from drcli.store import simtrace
from drcli.train.hardware import Hardware
from drcli.train.policy import Exploration, Policy

ALIVE_INTERVAL_S = 1.0


class Robomaker:
    """One worker: its world, its policies, its end of the wire."""

    def __init__(self, job: TrainingJob, socket: WorkerSocket, reward: RewardFunction) -> None:
        environment = job.environment
        self._job = job
        self._socket = socket
        self._reward = reward
        self._track = load_track(job.params.world_name, environment.tracks_dir, environment.tracks_url)
        self._space = ActionSpace(job.metadata)
        self._hardware = Hardware.detect(use_cuda=False)
        self._weights: tuple[str, dict[str, torch.Tensor]] = ("", {})
        self._last_alive = 0.0
        self._collector: Collector | None = None
        self._policy: Policy | None = None
        self._evaluation: Evaluation | None = None
        self._episodes_done = 0

    def run(self, stop: program.StopFlag) -> None:
        """Work until the trainer says goodbye."""
        while not stop.is_set:
            self.tick()
            message = self._socket.receive(0 if self._evaluation else 0.2)
            if message is not None:
                try:
                    value = from_message(message)
                except WireError as error:
                    log.line(f"A message that makes no sense was dropped: {error}")
                    continue
                if isinstance(value, Goodbye):
                    log.line("Received termination signal from trainer. Goodbye.")
                    return
                self._handle(value)  # type: ignore[arg-type]
            elif self._evaluation is not None:
                self._evaluate()

    def tick(self) -> None:
        """Say that we are alive, once a second; called in every step of everything."""
        now = time.monotonic()
        if now - self._last_alive > ALIVE_INTERVAL_S:
            self._last_alive = now
            environment = self._job.environment
            self._socket.send(to_message(Alive(environment.worker_index, environment.cars_per_worker)))

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

    def _join(self, welcome: Welcome) -> None:
        """Begin from scratch: a trainer that welcomes us does not know what we had."""
        environment = self._job.environment
        seed = welcome.seed + 7919 * environment.worker_index + welcome.episodes_done
        exploration = Exploration(welcome.is_e_greedy, welcome.e_greedy_value, welcome.epsilon_steps)
        self._policy = Policy(self._space.spec, self._hardware, exploration, seed)
        self._episodes_done = welcome.episodes_done
        random.seed(seed)  # for reward functions that use chance
        np.random.seed(seed % 2**32)
        world = World(
            self._track,
            self._job.race(),
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
        world = World(self._track, self._job.race(is_evaluation=True), task.episodes, self._reward)
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


def work(environment: Environment, stop: program.StopFlag) -> None:
    """Drive until the trainer says goodbye or a stop is requested. DrError goes to the trainer, too."""
    torch.set_num_threads(environment.threads)
    job = TrainingJob.read(environment)
    acting.check_supported(job.metadata)
    identity = f"{environment.worker_index}-{secrets.token_hex(8)}".encode()
    socket = WorkerSocket(environment.wire_endpoint, WireKeys.await_keys(environment.wire_keys), identity)

    try:
        reward = RewardFunction(*job.reward_function(), log=log.line, on_stuck=program.leave)
        Robomaker(job, socket, reward).run(stop)
    except DrError as error:
        socket.send(to_message(Failed(error.message, error.hint)))
        raise
    finally:
        socket.close()


if __name__ == "__main__":
    main()
