"""A worker of a training: drives with the trainer's policy and sends back the results.

Collecting has priority; an evaluation continues in idle time, step by step, while the trainer learns.
"""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch

from drcli.config.hyperparameters import Hyperparameters
from drcli.contract.episode import Episode
from drcli.services.observers.subscriptions import Subscriptions
from drcli.services.shared import service_log
from drcli.services.shared.heartbeat import Heartbeat
from drcli.services.shared.program import StopFlag
from drcli.services.shared.protocol import (
    Alive,
    Collect,
    Evaluate,
    Evaluated,
    Experience,
    Goodbye,
    Leaving,
    ToWorker,
    Welcome,
    from_trainer,
)
from drcli.services.shared.run_track import load_run_track
from drcli.services.shared.store_retry import retry_while_unreachable
from drcli.services.shared.training_job import TrainingJob
from drcli.services.shared.weight_arrays import arrays_to_weights
from drcli.services.shared.wire import WireError, WorkerSocket
from drcli.services.worker.collector import Collector
from drcli.services.worker.driver import Driver
from drcli.services.worker.idle_evaluation import IdleEvaluation
from drcli.services.worker.run_over_watch import SILENCE_S, RunOverWatch
from drcli.sim.reward import RewardFunction
from drcli.sim.world import World
from drcli.train.algorithms.algorithm import Actor, algorithm_of
from drcli.train.hardware import Hardware
from drcli.train.model import ModelSpec
from drcli.train.rollout import RolloutSpec

ALIVE_INTERVAL_S = 1.0


class _StopRequested(Exception):
    """Raised anywhere in the worker when a stop is requested."""


@dataclass
class _Membership:
    """The worker's state since the trainer welcomed it."""

    hyperparameters: Hyperparameters
    actor: Actor
    collector: Collector
    episodes_done: int
    weights: Mapping[str, torch.Tensor]
    evaluation: IdleEvaluation | None = None


class TrainingWorker:
    """One worker: its world, its policy, its end of the wire."""

    def __init__(
        self,
        job: TrainingJob,
        socket: WorkerSocket,
        reward: RewardFunction,
        observers: Subscriptions,
        stop: StopFlag,
    ) -> None:
        environment = job.environment
        self._job = self._own = job  # the run's, and this worker's own in a multi-config run
        self._socket = socket
        self._reward = reward
        self._observers = observers
        self._stop = stop
        self._track = load_run_track(job.params.world_name, environment)
        self._model = ModelSpec.of(job.metadata)
        self._algorithm = algorithm_of(job.metadata)
        self._hardware = Hardware.detect(use_cuda=False)
        self._index = environment.worker_index
        self._membership: _Membership | None = None
        self._was_welcomed = False
        self._last_alive = 0.0
        self._last_heard = time.monotonic()
        self._heartbeat = Heartbeat.of_service()
        self._watch = RunOverWatch(job)

    def run(self) -> bool:
        """Work until the run is over or a stop is requested; return whether it was.

        Unfinished work then goes to other workers.
        """
        try:
            while True:
                self.tick()
                said = self._hear()
                match said:
                    case Goodbye():
                        service_log.line("Received termination signal from trainer. Goodbye.")
                        return False
                    case None:
                        if self._is_done_waiting():
                            return False
                    case _:
                        self._handle(said)
        except _StopRequested:
            service_log.line("Asked to leave. Goodbye.")
            if self._socket.is_connected:
                self._socket.send(Leaving().to_message())
            return True

    def tick(self) -> None:
        """Send a heartbeat once a second; called in every step."""
        if self._stop.is_set:
            raise _StopRequested
        if self._was_welcomed:  # a worker that waits for its trainer to return is healthy
            self._heartbeat.beat()
        now = time.monotonic()
        # Messages to an unreachable trainer would pile up.
        if now - self._last_alive > ALIVE_INTERVAL_S and self._socket.is_connected:
            self._last_alive = now
            environment = self._job.environment
            alive = Alive(environment.worker_index, environment.cars_per_worker, environment.worker_name)
            self._socket.send(alive.to_message())

    def _hear(self) -> ToWorker | None:
        is_evaluating = self._membership is not None and self._membership.evaluation is not None
        message = self._socket.receive(0 if is_evaluating else 0.2)
        if message is None:
            return None
        self._last_heard = time.monotonic()
        try:
            return from_trainer(message)
        except WireError as error:
            service_log.line(f"A malformed message was dropped: {error}")
            return None

    def _is_done_waiting(self) -> bool:
        """Called when there is no message; return whether the run is over."""
        member = self._membership
        if self._socket.was_cut:
            self._begin_again()
        elif member is not None and member.evaluation is not None:
            self._evaluate(member, member.evaluation)
        else:
            return self._is_over()
        return False

    def _begin_again(self) -> None:
        """The connection broke: join again, so that neither side waits for lost messages."""
        service_log.line("The connection to the trainer broke. Waiting for it.")
        self._socket.renew(new_identity(self._index))
        self._last_alive = 0.0
        self._membership = None

    def _is_over(self) -> bool:
        """Whether the run ended without notice; checked once the trainer has been silent for a while."""
        if time.monotonic() - self._last_heard < SILENCE_S:
            return False
        reason = self._watch.look()
        if reason:
            service_log.line(f"The run is over: {reason}. Goodbye.")
        return bool(reason)

    def _handle(self, said: Welcome | Collect | Evaluate | Goodbye) -> None:
        member = self._membership
        match said:
            case Welcome():
                self._join(said)
            case Collect() if member is not None:
                self._collect(member, said)
            case Evaluate() if member is not None:
                service_log.line(f"Evaluating policy {said.policy} over {said.episodes} episodes.")
                member.evaluation = self._start_evaluation(member, said)

    def _take_own_config(self) -> None:
        """In a multi-config run a worker has its own track and rules, by its index."""
        bucket = self._job.bucket
        own = retry_while_unreachable(lambda: self._job.of_worker(self._index), bucket, self._stop)
        if own.params != self._own.params:
            name = own.params.world_name
            self._track = retry_while_unreachable(
                lambda: load_run_track(name, own.environment), bucket, self._stop
            )
            self._own = own
            service_log.line(f"This worker drives on {name}.")

    def _join(self, welcome: Welcome) -> None:
        """Start from scratch: a trainer that sends a welcome knows nothing of earlier work."""
        self._index, self._was_welcomed = welcome.index, True
        self._take_own_config()
        seed = welcome.seed + 7919 * self._index + welcome.episodes_done
        hyperparameters = Hyperparameters.parse(welcome.hyperparameters, "hyperparameters.json")
        actor = self._algorithm.actor(self._model, hyperparameters, self._hardware, seed)
        random.seed(seed)  # for reward functions that use random numbers
        np.random.seed(seed % 2**32)
        world = World(
            self._track,
            self._own.params.race,
            self._job.environment.cars_per_worker,
            sensors=self._job.metadata.sensors,
            reward=self._reward,
            seed=seed,
        )
        world.next_episode = welcome.episodes_done
        driver = Driver(world, self._model.head, actor, self._observers)
        collector = Collector(driver, RolloutSpec.of(self._model, self._algorithm.extras), self.tick)
        self._membership = _Membership(hyperparameters, actor, collector, welcome.episodes_done, {})

    def _collect(self, member: _Membership, task: Collect) -> None:
        _take_weights(member, task)
        member.actor.load(member.weights)
        if task.episodes:
            rollout, episodes = member.collector.episodes(task.episodes, task.step, task.max_steps)
        else:
            rollout, episodes = member.collector.steps(task.steps_per_car, task.step)
        numbered = self._numbered(member, episodes)
        self._socket.send(Experience(task.assignment, rollout, numbered).to_message())

    def _numbered(self, member: _Membership, episodes: list[Episode]) -> tuple[Episode, ...]:
        """Number training episodes in the order in which they ended, and notify observers."""
        for episode in episodes:
            episode.rows = [row._replace(episode=member.episodes_done) for row in episode.rows]
            member.episodes_done += 1
            self._observers.episode(self._index, episode)
        return tuple(episodes)

    def _start_evaluation(self, member: _Membership, task: Evaluate) -> IdleEvaluation:
        _take_weights(member, task)
        race = replace(self._own.params.race, spread_starts=True)  # spread around the track
        world = World(
            self._track,
            race,
            task.episodes,
            sensors=self._job.metadata.sensors,
            reward=self._reward,
            record=False,  # evaluations of a training are not in the traces (community's rollout_worker.py)
        )
        actor = self._algorithm.actor(self._model, member.hyperparameters, self._hardware, 0)
        actor.load(member.weights)
        return IdleEvaluation(
            task, Driver(world, self._model.head, actor, self._observers, is_evaluation=True)
        )

    def _evaluate(self, member: _Membership, evaluation: IdleEvaluation) -> None:
        if evaluation.step():
            done = Evaluated(evaluation.task.assignment, tuple(evaluation.episodes))
            self._socket.send(done.to_message())
            member.evaluation = None


def _take_weights(member: _Membership, task: Collect | Evaluate) -> None:
    if task.weights:
        member.weights = arrays_to_weights(task.weights)


def new_identity(index: int) -> bytes:
    """A new identity on the wire."""
    return f"{index}-{secrets.token_hex(8)}".encode()
