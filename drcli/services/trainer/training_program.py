"""The trainer as a program: reads the job, announces the run, trains, and shuts down cleanly."""

from __future__ import annotations

import json
import socket as socket_module

import torch

from drcli.config.hyperparameters import Hyperparameters
from drcli.errors import DrError
from drcli.services.observers.observer import ObservedTraining, RunEnd
from drcli.services.observers.status_writer import note_failed_start
from drcli.services.observers.subscriptions import Subscriptions
from drcli.services.shared import service_log
from drcli.services.shared.environment import Environment
from drcli.services.shared.program import StopFlag
from drcli.services.shared.protocol import POLICY
from drcli.services.shared.publisher import Publisher
from drcli.services.shared.seats import seats_of
from drcli.services.shared.store_retry import retry_while_unreachable
from drcli.services.shared.training_job import TrainingJob
from drcli.services.shared.wire import TrainerSocket
from drcli.services.shared.wire_keys import trainer_keys
from drcli.services.trainer.starting_point import find_starting_point
from drcli.services.trainer.trainer import Trainer
from drcli.services.trainer.training_run import TrainingPlan
from drcli.store.client import Bucket


def train(environment: Environment, stop: StopFlag) -> bool:
    """Train until the run ends; return whether it was stopped. Raises DrError if it fails."""
    bucket = Bucket(environment.store)
    job = retry_while_unreachable(lambda: TrainingJob.read(environment), bucket, stop)
    torch.set_num_threads(environment.threads)
    publisher = Publisher(service_log.line)
    try:
        plan, observers = retry_while_unreachable(lambda: _begin(job, publisher), bucket, stop)
        socket = TrainerSocket(environment.wire_endpoint, trainer_keys(environment))
    except DrError as error:
        note_failed_start(job, error)
        raise
    try:
        announce(job, plan.hyperparameters, publisher)
        trainer = Trainer(plan, observers, socket)
        stop.on_request(trainer.request_stop)
        try:
            trainer.finish(publisher, trainer.run(publisher))
        except DrError:
            trainer.dismiss_workers()
            raise
    except DrError as error:
        observers.end(RunEnd("failed", message=error.message, hint=error.hint))
        raise
    finally:
        publisher.close()
        socket.close()
    return trainer.was_stopped


def _begin(job: TrainingJob, publisher: Publisher) -> tuple[TrainingPlan, Subscriptions]:
    hyperparameters = job.hyperparameters()
    seats = seats_of(job.metadata, job.race_types)
    model, algorithm = seats[POLICY].model, seats[POLICY].algorithm
    algorithm.check(hyperparameters)
    start = find_starting_point(job, model, algorithm)
    run = ObservedTraining(
        role="trainer",
        environment=job.environment,
        bucket=job.bucket,
        keys=job.keys,
        world_name=job.params.world_name,
        metadata=job.metadata,
        job=job,
        hyperparameters=hyperparameters,
        counters=start.counters,
        before=start.before,
        publisher=publisher,
    )
    return TrainingPlan(job, seats, hyperparameters, start), Subscriptions.of(run)


def announce(job: TrainingJob, hyperparameters: Hyperparameters, publisher: Publisher) -> None:
    """Write what tools expect at the start of a run: metadata, hyperparameters, the trainer's address."""
    bucket, keys = job.bucket, job.keys
    resolved = json.dumps(hyperparameters.resolved(job.metadata.training_algorithm), indent=2, sort_keys=True)
    service_log.line(f"Using the following hyper-parameters\n{resolved}")

    def write() -> None:
        bucket.delete([keys.ready, keys.finished])
        bucket.put(keys.model_metadata, job.metadata_source)
        bucket.put(keys.hyperparameters, resolved.encode())
        bucket.put(keys.ip, json.dumps({"IP": own_address()}).encode())
        bucket.put(keys.ip_done, b"done")

    publisher.submit("start documents", write)


def own_address() -> str:
    """This machine's address; some laptops cannot resolve their own name."""
    try:
        return socket_module.gethostbyname(socket_module.gethostname())
    except (OSError, UnicodeError):
        return "127.0.0.1"
