"""The trainer: gathers experience from the workers, updates the policy, publishes it, evaluates, stops in time.

`python -m drcli.services.sagemaker`; see `drcli.services.environment` for what it is told.
"""

from __future__ import annotations

import json
import random
import socket as socket_module
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from math import ceil

import torch

from drcli import env
from drcli.errors import DrError
from drcli.services import acting, log, program
from drcli.services.crew import Crew, Worker
from drcli.services.environment import Environment, real
from drcli.services.health import Heartbeat
from drcli.services.job import TrainingJob
from drcli.services.patience import patiently
from drcli.services.protocol import Collect, Evaluate, Evaluated, Experience, Welcome
from drcli.services.publisher import Publisher
from drcli.services.recorder import Recorder
from drcli.services.starting import Start, find_start
from drcli.services.stopping import StopRule
from drcli.services.weights import weights_to_arrays
from drcli.services.wire import TrainerSocket, WireKeys
from drcli.sim.race import Episode
from drcli.store.checkpoints import CheckpointName
from drcli.store.client import Bucket
from drcli.store.run_status import RunStatus
from drcli.train.hardware import Hardware
from drcli.train.ppo import Learner, Rollout, concatenate

CREW_PATIENCE_S = 60.0  # the first iteration waits so long for all workers, then goes on with those it has
EVALUATE_EVERY_STEPS = 512  # unless DR_TRAIN_EVAL_INTERVAL says otherwise
STEPS_PER_SECOND = 15  # of simulated time, per car


class Trainer:
    """One training run, from its first or its last checkpoint to its end."""

    def __init__(self, job: TrainingJob, start: Start, recorder: Recorder, socket: TrainerSocket) -> None:
        environment = job.environment
        self._job = job
        self._counters = start.counters
        self._recorder = recorder
        self._parameters = job.hyperparameters()
        self._hardware = Hardware.detect()
        self._learner = Learner(
            start.network,
            acting.hyper(self._parameters),
            self._hardware,
            start.counters.seed + start.counters.iteration,
        )
        self.stop = StopRule(
            real(env.DR_TRAIN_STOP_PROGRESS),
            real(env.DR_TRAIN_MAX_MINUTES),
            self._parameters.term_cond_max_episodes,
            self._parameters.term_cond_avg_score,
        )
        self.crew = Crew(socket, self._welcome, log.line)
        self._ids = count(1)
        self._session = f"{random.SystemRandom().getrandbits(64):x}"
        self._evaluating: dict[int, CheckpointName] = {}
        self._published: CheckpointName | None = start.published
        self._interval = self._evaluation_interval()
        self._started = time.monotonic()
        self._steps_before = start.counters.steps
        self._heartbeat = Heartbeat.of_service()
        start.network.register_forward_hook(self._heartbeat.beat)  # learning may take minutes
        log.line(
            f"Training {environment.prefix} on {job.params.world_name}, seed {start.counters.seed}, {self._hardware}."
        )

    def run(self, publisher: Publisher) -> str:
        """Train until it is time to stop; the reason. DrError when the run cannot go on."""
        self._publish_policy()
        self._checkpoint()
        self._wait_for_crew()
        self._recorder.update(state="training")
        while not self._over():
            publisher.check()
            if self._iterate() and self._counters.iteration % self._interval == 0:
                self._checkpoint_and_evaluate()
        if not self._stopped_by_progress():
            self._checkpoint()
        return self._reason()

    def _iterate(self) -> bool:
        """Collect, learn, record: one iteration. False when the run was stopped in the middle of it.

        Collecting the next iteration while this one is learned from would save a fifth of the time, but costs more
        than that: with a policy one update old, two of four runs did not become stable within 12,000 steps.
        """
        results = self._collect()
        if self._over():
            return False
        rollout = concatenate([result.rollout for _, result in results])
        self._learn(rollout)
        self._counters.steps += len(rollout.rewards)
        for index, episodes in _by_worker(results).items():
            self._recorder.episodes(index, episodes)
            for episode in episodes:
                self.stop.episode(episode.reward)
        self._counters.iteration += 1
        self._publish_policy()
        self._report()
        return True

    def _checkpoint_and_evaluate(self) -> None:
        """One evaluation is under way at a time; the next checkpoint waits for it."""
        self._wait_until(lambda: not self._evaluating)
        if self._over():
            return
        self._checkpoint()
        task = Evaluate(next(self._ids), self._policy, self._job.params.min_eval_trials, self._weights)
        self._evaluating[task.assignment] = self._counters.checkpoint
        self.crew.give([task])

    def _checkpoint(self) -> None:
        if self._counters.checkpoint != self._published:
            self._published = self._recorder.checkpoint(self._learner.network)

    def _collect(self) -> list[tuple[int, Experience]]:
        """Experience of all workers that are there, in the order it was assigned."""
        results: dict[int, tuple[int, Experience]] = {}
        tasks = self._plan()
        self.crew.give(tasks)
        wanted = {task.assignment for task in tasks}

        def take(worker: Worker, result: Experience) -> None:
            if result.assignment in wanted:
                results[result.assignment] = worker.index, result

        self._wait_until(lambda: len(results) == len(wanted), take)
        return [results[key] for key in sorted(results)]

    def _plan(self) -> list[Collect]:
        workers = self.crew.workers
        if not workers:
            self._wait_until(lambda: bool(self.crew.workers))
            workers = self.crew.workers
        wanted, cars = self._parameters.num_steps_between_training, sum(worker.num_cars for worker in workers)
        episodes = self._parameters.num_episodes_between_training
        crew = len(workers) if wanted else min(len(workers), episodes)
        return [
            Collect(
                assignment=next(self._ids),
                policy=self._policy,
                steps_per_car=ceil(wanted / cars) if wanted else 0,
                episodes=0 if wanted else episodes // crew + (k < episodes % crew),
                step=self._counters.steps,
                max_steps=ceil(self._max_steps() / crew),
                weights=self._weights,
            )
            for k in range(crew)
        ]

    def _learn(self, rollout: Rollout) -> None:
        for epoch, stats in enumerate(self._learner.update(rollout)):
            log.coach(
                "Policy training",
                {
                    "Surrogate loss": stats.surrogate_loss,
                    "KL divergence": stats.kl_divergence,
                    "Entropy": stats.entropy,
                    "training epoch": epoch,
                    "learning_rate": self._parameters.lr,
                },
            )

    def _publish_policy(self) -> None:
        self._policy = f"{self._session}-{self._counters.iteration}"
        self._weights = weights_to_arrays(self._learner.network.weights(self._hardware.dtype))

    def _evaluated(self, result: Evaluated) -> None:
        checkpoint = self._evaluating.pop(result.assignment, None)
        if checkpoint is None:
            return
        progress = self._recorder.evaluation(checkpoint, result.episodes)
        self.stop.evaluation(progress)
        log.line(
            f"[BestModelSelection] Number of evaluations: {len(result.episodes)} Evaluation episode progress: "
            f"{[round(episode.progress, 2) for episode in result.episodes]}"
        )
        log.line(f"Evaluation of checkpoint {checkpoint}: mean progress {progress:.1f} %.")

    def _wait_until(
        self, is_done: Callable[[], bool], take: Callable[[Worker, Experience], None] | None = None
    ) -> None:
        """Serve the crew until `is_done`, or until a stop is requested."""
        while not is_done() and not self._over():
            self._heartbeat.beat()
            for worker, result in self.crew.poll(0.1):
                if isinstance(result, Evaluated):
                    self._evaluated(result)
                elif take is not None:
                    take(worker, result)
            self._recorder.update(workers=len(self.crew.workers))

    def _wait_for_crew(self) -> None:
        wanted, deadline = self._job.environment.workers, time.monotonic() + CREW_PATIENCE_S
        self._wait_until(
            lambda: (
                len(self.crew.workers) >= wanted or (bool(self.crew.workers) and time.monotonic() > deadline)
            )
        )

    def _report(self) -> None:
        steps = self._counters.steps - self._steps_before
        rate = steps / (time.monotonic() - self._started)
        self._recorder.update(
            reward=self.stop.recent_score, steps_per_s=rate, real_time_factor=rate / STEPS_PER_SECOND
        )
        log.coach(
            "Training",
            {
                "Name": "main_level/agent",
                "Worker": 0,
                "Episode": self._counters.total_episodes,
                "Total reward": round(self.stop.recent_score or 0.0, 2),
                "Steps": self._counters.steps,
                "Training iteration": self._counters.iteration,
            },
        )

    def _welcome(self, index: int) -> Welcome:
        parameters = self._parameters
        return Welcome(
            seed=self._counters.seed,
            episodes_done=self._counters.episodes.get(index, 0),
            index=index,
            is_e_greedy=parameters.exploration_type == "e-greedy",
            e_greedy_value=parameters.e_greedy_value,
            epsilon_steps=parameters.epsilon_steps,
        )

    def _evaluation_interval(self) -> int:
        given, steps = real(env.DR_TRAIN_EVAL_INTERVAL), self._parameters.num_steps_between_training
        if given:
            return int(given)
        return max(1, round(EVALUATE_EVERY_STEPS / steps)) if steps else 1

    def _max_steps(self) -> int:
        return int(real(env.MAX_MEMORY_STEPS) or 0)

    def _reason(self) -> str:
        return self.stop.reason(self._counters.total_episodes)

    def request_stop(self) -> None:
        """End the run in good order, at the next occasion."""
        self.stop.requested = True

    def finish(self, publisher: Publisher, reason: str) -> None:
        """Write what is left, and that the run is over; the workers go home.

        A container that is asked to stop cannot know whether Docker will start it again, as after a restart of the
        machine: the run is over when the container is taken away, and until then its workers wait.
        """
        goes_on = self._job.environment.is_container and self.stop.requested
        if not goes_on:
            self.crew.goodbye()
        self._recorder.finish()
        publisher.flush(self._heartbeat.beat)
        self._recorder.update(now=True, state="stopped" if goes_on else "ended", stop_reason=reason)
        publisher.flush(self._heartbeat.beat)
        log.line(f"The run has {'stopped' if goes_on else 'ended'}: {reason}.")

    def _over(self) -> bool:
        return bool(self._reason())

    def _stopped_by_progress(self) -> bool:
        return self._reason().startswith("evaluation progress")


def _by_worker(results: list[tuple[int, Experience]]) -> dict[int, list[Episode]]:
    """Episodes by the index of the worker that drove them; one may have stood in for another."""
    episodes: dict[int, list[Episode]] = {}
    for index, result in results:
        episodes.setdefault(index, []).extend(result.episodes)
    return episodes


def main() -> None:
    """Run the trainer of one run."""
    program.run(train)


def train(environment: Environment, stop: program.StopFlag) -> bool:
    """Train until the run ends, well (returns whether it was stopped) or not (DrError)."""
    bucket = Bucket(environment.store)
    job = patiently(lambda: TrainingJob.read(environment), bucket, stop)
    torch.set_num_threads(environment.threads)
    publisher = Publisher(log.line)
    try:
        start, recorder = patiently(lambda: _begin(job, publisher), bucket, stop)
        secret = environment.wire_secret
        keys = WireKeys.from_secret(secret) if secret else WireKeys.ensure(environment.wire_keys)
        socket = TrainerSocket(environment.wire_endpoint, keys)
    except DrError as error:
        _note_failure(job, error)
        raise
    try:
        announce(job, publisher)
        trainer = Trainer(job, start, recorder, socket)
        stop.on_request(trainer.request_stop)
        try:
            trainer.finish(publisher, trainer.run(publisher))
        except DrError:
            trainer.crew.goodbye()
            raise
    except DrError as error:
        recorder.update(now=True, state="failed", message=error.message, hint=error.hint)
        raise
    finally:
        publisher.close()
        socket.close()
    return trainer.stop.requested


def _begin(job: TrainingJob, publisher: Publisher) -> tuple[Start, Recorder]:
    sensor = acting.check_supported(job.metadata)
    start = find_start(job, sensor)
    recorder = Recorder(job, publisher, start.counters, sensor)
    recorder.continue_from(start.index, job.environment.workers)
    return start, recorder


def _note_failure(job: TrainingJob, error: DrError) -> None:
    """For those who look at the status alone, such as workers that wait for this trainer."""
    now, environment = time.time(), job.environment
    status = RunStatus(
        state="failed",
        prefix=environment.prefix,
        world_name=job.params.world_name,
        run_id=environment.run_id,
        seed=environment.seed or 0,
        started_at=now,
        updated_at=now,
        message=error.message,
        hint=error.hint,
    )
    with suppress(DrError):  # the store may be what is wrong
        job.bucket.put(job.keys.status, status.to_json())


def announce(job: TrainingJob, publisher: Publisher) -> None:
    """Put what tools look for at the start of a run: metadata, hyperparameters, address of the trainer."""
    bucket, keys = job.bucket, job.keys
    resolved = json.dumps(job.hyperparameters().resolved(), indent=2, sort_keys=True)
    log.line(f"Using the following hyper-parameters\n{resolved}")

    def write() -> None:
        bucket.delete([keys.ready, keys.finished])
        bucket.put(keys.model_metadata, job.metadata_source)
        bucket.put(keys.hyperparameters, resolved.encode())
        bucket.put(keys.ip, json.dumps({"IP": own_address()}).encode())
        bucket.put(keys.ip_done, b"done")

    publisher.submit("start documents", write)


def own_address() -> str:
    """This machine's address; many a laptop cannot resolve its own name."""
    try:
        return socket_module.gethostbyname(socket_module.gethostname())
    except (OSError, UnicodeError):
        return "127.0.0.1"


if __name__ == "__main__":
    main()
