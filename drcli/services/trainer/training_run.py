"""A run as a training method sees it: workers that drive, checkpoints that are kept, observers that tell about it."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from math import ceil
from statistics import fmean

import torch

from drcli.config.hyperparameters import Hyperparameters
from drcli.contract.checkpoint_names import CheckpointName
from drcli.contract.episode import Episode
from drcli.services.observers.observer import EvaluatedCheckpoint, NewCheckpoint, Update
from drcli.services.observers.subscriptions import Subscriptions
from drcli.services.shared import service_log
from drcli.services.shared.heartbeat import Heartbeat
from drcli.services.shared.protocol import Arrays, Collect, Evaluate, Evaluated, Experience, Welcome
from drcli.services.shared.seats import Seat
from drcli.services.shared.training_job import TrainingJob
from drcli.services.shared.weight_arrays import weights_to_arrays
from drcli.services.shared.wire import TrainerSocket
from drcli.services.trainer.checkpoint_ranking import CheckpointRanking
from drcli.services.trainer.open_evaluations import OpenEvaluations, shares
from drcli.services.trainer.starting_point import StartingPoint
from drcli.services.trainer.stop_conditions import StopConditions
from drcli.services.trainer.worker_registry import WorkerRegistry
from drcli.train.checkpoint import Checkpoint, to_tensors
from drcli.train.exports.export import exported
from drcli.train.hardware import Hardware
from drcli.train.network import PolicyNetwork, weights_of

WORKERS_PATIENCE_S = (
    60.0  # how long the first iteration waits for all workers before it starts with those present
)
PERTURBED = 15  # laps of an exam from perturbed starts, none of which may fail: stricter than 19 of 20


@dataclass(frozen=True)
class TrainingPlan:
    """What is trained and how."""

    job: TrainingJob
    seats: Mapping[str, Seat]
    hyperparameters: Hyperparameters
    start: StartingPoint


@dataclass(frozen=True)
class Policy:
    """The state of a network that workers drive with, in one of their seats."""

    seat: Seat
    name: str
    weights: Arrays


class TrainingRun:
    """Hands out work and waits for it; counts, saves and announces."""

    def __init__(self, plan: TrainingPlan, observers: Subscriptions, socket: TrainerSocket) -> None:
        job, start = plan.job, plan.start
        self.job, self.parameters, self.seats = job, plan.hyperparameters, plan.seats
        self.counters = start.counters
        self.observers = observers
        self.hardware = Hardware.detect()
        limits = job.environment.limits
        self.stop = StopConditions(
            limits.stop_progress_pct,
            limits.max_minutes,
            self.parameters.term_cond_max_episodes,
            self.parameters.term_cond_avg_score,
            trained_s=start.trained_s,
        )
        expected = {name: seat.rollouts for name, seat in plan.seats.items()}
        self.workers = WorkerRegistry(socket, expected, self._welcome, service_log.line)
        self.heartbeat = Heartbeat.of_service()
        self._ranking = CheckpointRanking(job.params.best_model_metric, start.index)
        self._ids = count(1)
        self._versions = count()
        self._session = f"{random.SystemRandom().getrandbits(64):x}"
        self._evaluations = OpenEvaluations()
        self._awaited: dict[int, tuple[int, Experience] | None] = {}  # by assignment
        self._published: CheckpointName | None = start.published
        self._started = time.monotonic()
        self._steps_before = start.counters.steps
        self._episodes_before = dict(start.counters.episodes)

    @property
    def seed(self) -> int:
        """A seed for the learners of this start of the trainer."""
        return self.counters.seed + self.counters.iteration

    @property
    def reason(self) -> str:
        """Why the run is over; empty while it is not."""
        return self.stop.reason(self.counters.total_episodes)

    @property
    def is_over(self) -> bool:
        """Whether the run is over."""
        return bool(self.reason)

    @property
    def is_examining(self) -> bool:
        """Whether an evaluation is under way."""
        return bool(self._evaluations)

    def wait_for_workers(self) -> None:
        """Wait until all workers are there, or until some of them have been for a minute."""
        wanted, deadline = self.job.environment.workers, time.monotonic() + WORKERS_PATIENCE_S

        def are_enough() -> bool:
            there = len(self.workers.present)
            return there >= wanted or (there > 0 and time.monotonic() > deadline)

        self.wait_until(are_enough)

    def policy(self, name: str, network: PolicyNetwork) -> Policy:
        """A copy of the network for the workers' seat with that name."""
        seat = self.seats[name]
        weights = weights_of(network, torch.float32 if seat.is_exact else self.hardware.dtype)
        return Policy(seat, f"{self._session}-{next(self._versions)}", weights_to_arrays(weights))

    def collect(self, policy: Policy, *, steps: int = 0, episodes: int = 0) -> list[tuple[int, Experience]]:
        """A number of steps or of episodes, shared out among the workers that are present.

        Returns the index of the worker and its experience, in the order of the shares; stops early, with fewer, if
        the run is over.
        """
        return self.collected(self.begin_collecting(policy, steps=steps, episodes=episodes))

    def begin_collecting(self, policy: Policy, *, steps: int = 0, episodes: int = 0) -> list[int]:
        """The first half of `collect`: the workers drive while the caller does something else."""
        self.wait_until(lambda: bool(self.workers.present))
        tasks = self._shares(policy, steps, episodes)
        self._awaited |= {task.assignment: None for task in tasks}
        self.workers.give(tasks)
        return [task.assignment for task in tasks]

    def collected(self, assignments: Sequence[int]) -> list[tuple[int, Experience]]:
        """The second half of `collect`."""
        self.wait_until(lambda: all(self._awaited[number] for number in assignments))
        results = [self._awaited.pop(number) for number in assignments]
        return [result for result in results if result is not None]

    def forget_saved(self) -> None:
        """Let `save` replace the checkpoint of this iteration."""
        self._published = None

    def evaluate(
        self,
        policy: Policy,
        then: Callable[[Evaluated], None],
        *,
        is_exam: bool = False,
        noise: float = 0.0,
    ) -> None:
        """Have greedy episodes driven in idle time, and call `then` with them; see Evaluate.

        is_exam: also from perturbed starts, until one fails. The workers share it, or, in a multi-config run, each
        drives all of it on its own track.
        """
        environment, params = self.job.environment, self.job.params
        whole = Evaluate(
            0, policy.name, params.min_eval_trials, perturbed=PERTURBED if is_exam else 0, noise=noise,
            seat=policy.seat.name, weights=policy.weights,
        )  # fmt: skip
        workers = max(1, len(self.workers.present)) if is_exam else 1
        parts = shares(whole, workers, is_multi_config=is_exam and environment.configs > 1)
        tasks = [replace(part, assignment=next(self._ids)) for part in parts]
        self._evaluations.begin(tasks, then)
        self.workers.give(tasks)

    def evaluate_checkpoint(
        self,
        policy: Policy,
        then: Callable[[Evaluated], None] | None = None,
        *,
        is_exam: bool = False,
    ) -> None:
        """`evaluate` a policy that was just saved: it is ranked, and counts for the end of the run.

        then: judges it; without, its progress does.
        """
        name = self.counters.checkpoint

        def note(result: Evaluated) -> None:
            progress = fmean(episode.progress for episode in result.episodes)
            is_sound = all(episode.is_lap for episode in result.perturbed)
            index = self._ranking.evaluated(name, result.episodes, is_sound)
            if then is None:
                self.stop.evaluation(progress)
            else:
                then(result)
            self.observers.evaluation(EvaluatedCheckpoint(name, result.episodes, progress, index))

        self.evaluate(policy, note, is_exam=is_exam)

    def wait_until(self, is_done: Callable[[], bool]) -> None:
        """Serve the workers until `is_done`, or until the run is over."""
        while not is_done() and not self.is_over:
            self.heartbeat.beat()
            for worker, result in self.workers.poll(0.1):
                match result:
                    case Evaluated():
                        self._evaluations.note(result)
                    case Experience():
                        self.stop.start_clock()
                        if result.assignment in self._awaited:
                            self._awaited[result.assignment] = worker.index, result
            self.observers.workers(len(self.workers.present))

    def learned(
        self, results: Sequence[tuple[int, Experience]], epochs: Sequence[Mapping[str, float]]
    ) -> None:
        """Count an iteration of the model that is trained, and tell of it."""
        counters = self.counters
        counters.steps += sum(result.rollout.num_steps for _, result in results)
        episodes = _by_worker(results)
        for worker, ended in episodes.items():
            for episode in ended:
                counters.count_episode(worker)
                self.observers.episode(worker, episode)
                self.stop.episode(episode.reward)
        counters.iteration += 1
        rate = (counters.steps - self._steps_before) / (time.monotonic() - self._started)
        self.observers.update(Update(epochs, episodes, self.stop.recent_score, rate, self.stop.elapsed_s))

    def save(self, network: PolicyNetwork, state: Mapping[str, torch.Tensor]) -> None:
        """Save a checkpoint, unless there is one of this iteration."""
        name = self.counters.checkpoint
        if name == self._published:
            return
        self._published = name
        checkpoint = Checkpoint(to_tensors(network), self.counters.as_state(), dict(state))
        # The frozen graph, alone or with the rest for TensorFlow; our own file, the last one, completes a checkpoint.
        formats = ("tensorflow" if self.job.environment.tf_checkpoints else "car", "native")
        files = partial(exported, checkpoint, self.job.metadata, formats)
        self.observers.checkpoint(NewCheckpoint(name, self._ranking.published(name), files))

    def _shares(self, policy: Policy, steps: int, episodes: int) -> list[Collect]:
        workers = self.workers.present
        cars = sum(policy.seat.cars * worker.num_cars for worker in workers)
        shares = len(workers) if steps else min(len(workers), episodes)
        return [
            Collect(
                assignment=next(self._ids),
                policy=policy.name,
                steps_per_car=ceil(steps / cars) if steps else 0,
                episodes=0 if steps else episodes // shares + (k < episodes % shares),
                step=self.counters.steps,
                max_steps=ceil(self.job.environment.limits.max_memory_steps / shares),
                seat=policy.seat.name,
                weights=policy.weights,
            )
            for k in range(shares)
        ]

    def _welcome(self, index: int) -> Welcome:
        done = self.counters.episodes.get(index, 0)
        parameters = self.parameters.model_dump_json(exclude_none=True)
        return Welcome(self.counters.seed, done, index, parameters, self._episodes_before.get(index, 0))


def _by_worker(results: Iterable[tuple[int, Experience]]) -> dict[int, list[Episode]]:
    """Episodes by the index of the worker that drove them; a worker may have replaced another."""
    episodes: dict[int, list[Episode]] = {}
    for index, result in results:
        episodes.setdefault(index, []).extend(result.episodes)
    return episodes
