"""The training loop: collect experience, learn, publish the policy, save and evaluate checkpoints, stop in time.

Everything that is written and logged is done by observers (`drcli.services.observers`).
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import count
from math import ceil
from statistics import fmean

from drcli.config.hyperparameters import Hyperparameters
from drcli.contract.checkpoint_names import CheckpointName
from drcli.contract.episode import Episode
from drcli.services.observers.observer import EvaluatedCheckpoint, NewCheckpoint, RunEnd, Update
from drcli.services.observers.subscriptions import Subscriptions
from drcli.services.shared import service_log
from drcli.services.shared.heartbeat import Heartbeat
from drcli.services.shared.protocol import Collect, Evaluate, Evaluated, Experience, Welcome
from drcli.services.shared.publisher import Publisher
from drcli.services.shared.training_job import TrainingJob
from drcli.services.shared.weight_arrays import weights_to_arrays
from drcli.services.shared.wire import TrainerSocket
from drcli.services.trainer.checkpoint_ranking import CheckpointRanking
from drcli.services.trainer.starting_point import StartingPoint
from drcli.services.trainer.stop_conditions import StopConditions
from drcli.services.trainer.worker_registry import KnownWorker, WorkerRegistry
from drcli.train.algorithms.algorithm import Algorithm
from drcli.train.checkpoint import pack, to_tensors
from drcli.train.hardware import Hardware
from drcli.train.model import ModelSpec
from drcli.train.network import weights_of
from drcli.train.rollout import RolloutSpec

WORKERS_PATIENCE_S = (
    60.0  # how long the first iteration waits for all workers before it starts with those present
)
EVALUATE_EVERY_STEPS = 512  # unless DR_TRAIN_EVAL_INTERVAL says otherwise


@dataclass(frozen=True)
class TrainingPlan:
    """What is trained and how."""

    job: TrainingJob
    model: ModelSpec
    algorithm: Algorithm
    hyperparameters: Hyperparameters
    start: StartingPoint


class Trainer:
    """One training run, from its first or its last checkpoint to its end."""

    def __init__(self, plan: TrainingPlan, observers: Subscriptions, socket: TrainerSocket) -> None:
        job, start = plan.job, plan.start
        self._job = job
        self._observers = observers
        self._parameters = plan.hyperparameters
        self._counters = start.counters
        self._hardware = Hardware.detect()
        seed = start.counters.seed + start.counters.iteration
        self._learner = plan.algorithm.learner(start.network, self._parameters, self._hardware, seed)
        self._learner.load_state(start.learner_state)
        limits = job.environment.limits
        self.stop = StopConditions(
            limits.stop_progress_pct,
            limits.max_minutes,
            self._parameters.term_cond_max_episodes,
            self._parameters.term_cond_avg_score,
            trained_s=start.trained_s,
        )
        expected = RolloutSpec.of(plan.model, plan.algorithm.extras)
        self.workers = WorkerRegistry(socket, expected, self._welcome, service_log.line)
        self._ranking = CheckpointRanking(job.params.best_model_metric, start.index)
        self._ids = count(1)
        self._session = f"{random.SystemRandom().getrandbits(64):x}"
        self._evaluating: dict[int, CheckpointName] = {}
        self._published: CheckpointName | None = start.published
        self._interval = evaluation_interval(limits.eval_interval, self._parameters)
        self._started = time.monotonic()
        self._steps_before = start.counters.steps
        self._heartbeat = Heartbeat.of_service()
        self._learner.network.register_forward_hook(self._heartbeat.beat)  # learning may take minutes
        service_log.line(
            f"Training {job.environment.prefix} on {job.params.world_name}, seed {start.counters.seed}, "
            f"{self._hardware}."
        )

    def run(self, publisher: Publisher) -> str:
        """Train until a stop condition holds; return the reason. Raises DrError if the run cannot continue."""
        self._publish_policy()
        self._checkpoint()
        self._wait_for_workers()
        self._observers.begin()
        while not self._is_over():
            publisher.check()
            if self._iterate() and self._counters.iteration % self._interval == 0:
                self._checkpoint_and_evaluate()
        if self.stop.requested or not self.stop.is_reached_by_progress:
            self._checkpoint()
        return self._reason()

    def request_stop(self) -> None:
        """End the run cleanly at the next opportunity."""
        self.stop.requested = True

    def finish(self, publisher: Publisher, reason: str) -> None:
        """Write the last documents and dismiss the workers.

        A container that is asked to stop cannot know whether Docker will restart it, for example after a reboot: the
        run is over once the container is removed; until then its workers wait.
        """
        goes_on = self._job.environment.is_container and self.stop.requested
        if not goes_on:
            self.workers.dismiss()
        self._observers.end(RunEnd("stopped" if goes_on else "ended", reason))
        publisher.flush(self._heartbeat.beat)

    def _iterate(self) -> bool:
        """Run one iteration: collect, learn, notify. Returns False if the run was stopped during it.

        Collecting the next iteration while learning from this one would save a fifth of the time, but costs more than
        that: with a policy one update old, two of four runs did not stabilise within 12,000 steps.
        """
        results = self._collect()
        if self._is_over():
            return False
        rollouts = [result.rollout for _, result in results]
        epochs = self._learner.learn(rollouts)
        self._counters.steps += sum(rollout.num_steps for rollout in rollouts)
        episodes = _by_worker(results)
        for worker, ended in episodes.items():
            for episode in ended:
                self._counters.count_episode(worker)
                self._observers.episode(worker, episode)
                self.stop.episode(episode.reward)
        self._counters.iteration += 1
        self._publish_policy()
        self._tell_of_update(epochs, episodes)
        return True

    def _tell_of_update(self, epochs: list[dict[str, float]], episodes: Mapping[int, list[Episode]]) -> None:
        rate = (self._counters.steps - self._steps_before) / (time.monotonic() - self._started)
        self._observers.update(Update(epochs, episodes, self.stop.recent_score, rate, self.stop.elapsed_s))

    def _checkpoint_and_evaluate(self) -> None:
        """One evaluation runs at a time; the next checkpoint waits for it."""
        self._wait_until(lambda: not self._evaluating)
        if self._is_over():
            return
        self._checkpoint()
        task = Evaluate(next(self._ids), self._policy, self._job.params.min_eval_trials, self._weights)
        self._evaluating[task.assignment] = self._counters.checkpoint
        self.workers.give([task])

    def _checkpoint(self) -> None:
        name = self._counters.checkpoint
        if name == self._published:
            return
        self._published = name
        content = partial(
            pack, to_tensors(self._learner.network), self._counters.as_state(), self._learner.state()
        )
        self._observers.checkpoint(NewCheckpoint(name, self._ranking.published(name), content))

    def _collect(self) -> list[tuple[int, Experience]]:
        """Experience of all present workers, in the order it was assigned."""
        results: dict[int, tuple[int, Experience]] = {}
        self._wait_until(lambda: bool(self.workers.present))
        tasks = self._assignments()
        self.workers.give(tasks)
        wanted = {task.assignment for task in tasks}

        def take(worker: KnownWorker, result: Experience) -> None:
            self.stop.start_clock()
            if result.assignment in wanted:
                results[result.assignment] = worker.index, result

        self._wait_until(lambda: len(results) == len(wanted), take)
        return [results[key] for key in sorted(results)]

    def _assignments(self) -> list[Collect]:
        """One assignment per present worker: its share of the iteration's steps or episodes."""
        workers = self.workers.present
        wanted, cars = self._parameters.num_steps_between_training, sum(worker.num_cars for worker in workers)
        episodes = self._parameters.num_episodes_between_training
        shares = len(workers) if wanted else min(len(workers), episodes)
        return [
            Collect(
                assignment=next(self._ids),
                policy=self._policy,
                steps_per_car=ceil(wanted / cars) if wanted else 0,
                episodes=0 if wanted else episodes // shares + (k < episodes % shares),
                step=self._counters.steps,
                max_steps=ceil(self._job.environment.limits.max_memory_steps / shares),
                weights=self._weights,
            )
            for k in range(shares)
        ]

    def _publish_policy(self) -> None:
        self._policy = f"{self._session}-{self._counters.iteration}"
        self._weights = weights_to_arrays(weights_of(self._learner.network, self._hardware.dtype))

    def _evaluated(self, result: Evaluated) -> None:
        name = self._evaluating.pop(result.assignment, None)
        if name is None:
            return
        progress = fmean(episode.progress for episode in result.episodes)
        index = self._ranking.evaluated(name, result.episodes)
        self.stop.evaluation(progress)
        self._observers.evaluation(EvaluatedCheckpoint(name, result.episodes, progress, index))

    def _wait_until(
        self, is_done: Callable[[], bool], take: Callable[[KnownWorker, Experience], None] | None = None
    ) -> None:
        """Serve the workers until `is_done`, or until the run is over."""
        while not is_done() and not self._is_over():
            self._heartbeat.beat()
            for worker, result in self.workers.poll(0.1):
                match result:
                    case Evaluated():
                        self._evaluated(result)
                    case Experience() if take is not None:
                        take(worker, result)
            self._observers.workers(len(self.workers.present))

    def _wait_for_workers(self) -> None:
        wanted, deadline = self._job.environment.workers, time.monotonic() + WORKERS_PATIENCE_S

        def are_enough() -> bool:
            there = len(self.workers.present)
            return there >= wanted or (there > 0 and time.monotonic() > deadline)

        self._wait_until(are_enough)

    def _welcome(self, index: int) -> Welcome:
        done = self._counters.episodes.get(index, 0)
        parameters = self._parameters.model_dump_json(exclude_none=True)
        return Welcome(self._counters.seed, done, index, parameters)

    def _reason(self) -> str:
        return self.stop.reason(self._counters.total_episodes)

    def _is_over(self) -> bool:
        return bool(self._reason())


def evaluation_interval(given: int | None, parameters: Hyperparameters) -> int:
    """Number of iterations between evaluations."""
    steps = parameters.num_steps_between_training
    return given or (max(1, round(EVALUATE_EVERY_STEPS / steps)) if steps else 1)


def _by_worker(results: list[tuple[int, Experience]]) -> dict[int, list[Episode]]:
    """Episodes by the index of the worker that drove them; a worker may have replaced another."""
    episodes: dict[int, list[Episode]] = {}
    for index, result in results:
        episodes.setdefault(index, []).extend(result.episodes)
    return episodes
