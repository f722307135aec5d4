"""A worker of a training: drives with the trainer's policy and sends back the results.

Collecting has priority; an exam continues in idle time, step by step, while the trainer learns.
"""

from __future__ import annotations

import random
import secrets
import time
from dataclasses import dataclass, field

import numpy as np

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
    Experience,
    Goodbye,
    Leaving,
    ToWorker,
    Welcome,
    from_trainer,
)
from drcli.services.shared.run_track import load_run_tracks
from drcli.services.shared.seats import seats_of
from drcli.services.shared.store_retry import retry_while_unreachable
from drcli.services.shared.training_job import TrainingJob
from drcli.services.shared.wire import WireError, WorkerSocket
from drcli.services.worker.collector import Collector
from drcli.services.worker.course import Course
from drcli.services.worker.exam import Exam
from drcli.services.worker.run_over_watch import SILENCE_S, RunOverWatch
from drcli.services.worker.taken_seat import TakenSeat
from drcli.sim.reward import RewardFunction

ALIVE_INTERVAL_S = 1.0


class _StopRequested(Exception):
    """Raised anywhere in the worker when a stop is requested."""


@dataclass
class _Membership:
    """The worker's state since the trainer welcomed it."""

    course: Course
    seed: int
    hyperparameters: Hyperparameters
    episodes_done: int
    episodes_before: int
    seats: dict[str, TakenSeat] = field(default_factory=dict)
    exam: Exam | None = None


class TrainingWorker:
    """One worker: its course, its seats, its end of the wire."""

    def __init__(
        self,
        job: TrainingJob,
        socket: WorkerSocket,
        reward: RewardFunction,
        observers: Subscriptions,
        stop: StopFlag,
    ) -> None:
        environment = job.environment
        self._job = job
        self._socket = socket
        self._reward = reward
        self._observers = observers
        self._stop = stop
        self._names = job.params.world_names
        self._tracks = load_run_tracks(self._names, environment)
        self._seats = seats_of(job.metadata, job.race_types)
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
        is_examining = self._membership is not None and self._membership.exam is not None
        message = self._socket.receive(0 if is_examining else 0.2)
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
        elif member is not None and member.exam is not None:
            self._examine(member, member.exam)
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
                self._start_exam(member, said)

    def _course(self) -> Course:
        """Where it drives: in a multi-config run a worker has its own tracks and rules, by its index."""
        job, bucket = self._job, self._job.bucket
        own = retry_while_unreachable(lambda: job.of_worker(self._index), bucket, self._stop)
        names = own.params.world_names
        if names != self._names:
            self._tracks = retry_while_unreachable(
                lambda: load_run_tracks(names, job.environment), bucket, self._stop
            )
            self._names = names
            if job.environment.configs > 1:
                service_log.line(f"This worker drives on {own.params.world_name}.")
        return Course(self._tracks, own.params.race, self._reward)

    def _join(self, welcome: Welcome) -> None:
        """Start from scratch: a trainer that sends a welcome knows nothing of earlier work."""
        self._index, self._was_welcomed = welcome.index, True
        course = self._course()
        seed = welcome.seed + 7919 * self._index + welcome.episodes_done
        random.seed(seed)  # for reward functions that use random numbers
        np.random.seed(seed % 2**32)
        hyperparameters = Hyperparameters.parse(welcome.hyperparameters, "hyperparameters.json")
        self._membership = _Membership(
            course, seed, hyperparameters, welcome.episodes_done, welcome.episodes_before
        )

    def _taken(self, member: _Membership, task: Collect | Evaluate) -> TakenSeat:
        """The seat of a task, with the task's policy in it."""
        if task.seat not in member.seats:
            member.seats[task.seat] = TakenSeat(self._seats[task.seat], member.hyperparameters, member.seed)
        member.seats[task.seat].take(task.weights)
        return member.seats[task.seat]

    def _collect(self, member: _Membership, task: Collect) -> None:
        taken = self._taken(member, task)
        is_recorded = taken.seat.is_recorded
        if taken.collector is None:
            world = member.course.training(
                taken.seat, taken.seat.cars * self._job.environment.cars_per_worker, member.seed
            )
            world.next_episode = member.episodes_done if is_recorded else 0
            driver = taken.driver(world, self._observers_of(taken))
            taken.collector = Collector(driver, taken.seat.rollouts, self.tick)
        if task.episodes:
            rollout, episodes = taken.collector.episodes(task.episodes, task.step, task.max_steps)
        else:
            rollout, episodes = taken.collector.steps(task.steps_per_car, task.step)
        numbered = self._numbered(member, episodes) if is_recorded else tuple(episodes)
        reward_ms = taken.collector.world.reward_ms
        self._socket.send(Experience(task.assignment, rollout, numbered, reward_ms).to_message())

    def _observers_of(self, taken: TakenSeat) -> Subscriptions:
        """Nobody watches a teacher: it sees no pictures, and its episodes are not those of the training."""
        return self._observers if taken.seat.is_recorded else Subscriptions()

    def _numbered(self, member: _Membership, episodes: list[Episode]) -> tuple[Episode, ...]:
        """Number training episodes in the order in which they ended, and notify observers.

        A log begins with 0, also that of a resumed run, as tools expect; the trainer has its own numbers.
        """
        for episode in episodes:
            number = member.episodes_done - member.episodes_before
            episode.rows = [row._replace(episode=number) for row in episode.rows]
            member.episodes_done += 1
            self._observers.episode(self._index, episode)
        return tuple(episodes)

    def _start_exam(self, member: _Membership, task: Evaluate) -> None:
        service_log.line(f"Evaluating policy {task.policy} over {task.episodes + task.perturbed} episodes.")
        taken = self._taken(member, task)
        world = member.course.exam(taken.seat, task)
        num_usual = member.course.num_cars(task.episodes)
        driver = taken.driver(world, self._observers_of(taken), is_evaluation=True, noise=task.noise)
        member.exam = Exam(task, driver, num_usual)

    def _examine(self, member: _Membership, exam: Exam) -> None:
        if exam.step():
            self._observers_of(member.seats[exam.task.seat]).exam(exam.result.episodes)
            self._socket.send(exam.result.to_message())
            member.exam = None


def new_identity(index: int) -> bytes:
    """A new identity on the wire."""
    return f"{index}-{secrets.token_hex(8)}".encode()
