"""A worker as a program: reads the job, joins the run, and shuts down cleanly."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import torch

from drcli.contract.run_name import WORKER, replica_name, reward_log_name
from drcli.contract.service_variables import REWARD_LOG_FOLDER, WORKER_NAME
from drcli.errors import DrError
from drcli.services.observers.observer import ObservedRun, RunEnd
from drcli.services.observers.subscriptions import Subscriptions
from drcli.services.shared import program
from drcli.services.shared.container_number import container_number
from drcli.services.shared.environment import Environment
from drcli.services.shared.protocol import Failed
from drcli.services.shared.store_retry import retry_while_unreachable
from drcli.services.shared.training_job import TrainingJob
from drcli.services.shared.wire import WorkerSocket
from drcli.services.shared.wire_keys import worker_keys
from drcli.services.worker.reward_output import RewardOutput
from drcli.services.worker.training_worker import TrainingWorker, new_identity
from drcli.sim.reward import RewardFunction
from drcli.store.client import Bucket


def work(environment: Environment, stop: program.StopFlag) -> bool:
    """Drive until the run is over or a stop is requested; return whether it was.

    A DrError is also sent to the trainer.
    """
    torch.set_num_threads(environment.threads)
    environment = _numbered(environment)
    bucket = Bucket(environment.store)
    job = retry_while_unreachable(lambda: TrainingJob.read(environment), bucket, stop)
    keys, index = worker_keys(environment), environment.worker_index
    kept = _reward_log(environment)
    printed = RewardOutput(kept, where=kept.name if kept and environment.is_container else "")

    def give_up(message: str) -> NoReturn:
        """Called from another thread, which cannot use this thread's socket."""
        other = WorkerSocket(environment.wire_endpoint, keys, new_identity(index))
        other.send(Failed(message, "").to_message())
        other.close()
        printed.flush()
        program.leave(message)

    socket = WorkerSocket(environment.wire_endpoint, keys, new_identity(index))
    try:
        source = retry_while_unreachable(job.reward_function, bucket, stop)
        processes = environment.reward_processes
        reward = RewardFunction(*source, log=printed, on_stuck=give_up, processes=processes)
        observers = Subscriptions.of(_observed(job))
        was_stopped = TrainingWorker(job, socket, reward, observers, stop).run()
        observers.end(RunEnd("stopped" if was_stopped else "ended"))
        return was_stopped
    except DrError as error:
        socket.send(Failed(error.message, error.hint).to_message())
        raise
    finally:
        printed.flush()
        socket.close()


def _numbered(environment: Environment) -> Environment:
    """Without an index: that of its container, so that a worker has the same number here as in its container's name."""
    if environment.worker_index >= 0 or not environment.is_container or WORKER_NAME.read():
        return environment
    number = container_number()
    return environment if number is None else replace(environment, worker_index=number - 1)


def _reward_log(environment: Environment) -> Path | None:
    folder = REWARD_LOG_FOLDER.read()
    if folder is None:
        return None
    index, name = environment.worker_index, f"{WORKER}-{environment.worker_name}"
    return folder / reward_log_name(replica_name(WORKER, index) if index >= 0 else name)


def _observed(job: TrainingJob) -> ObservedRun:
    return ObservedRun("worker", job.environment, job.bucket, job.keys, job.params.world_name, job.metadata)
