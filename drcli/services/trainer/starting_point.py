"""Where a training run starts: its own last checkpoint, a pretrained model, or random weights."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch

from drcli.contract.checkpoint_names import CheckpointName
from drcli.contract.keys import ModelKeys
from drcli.services.shared import service_log
from drcli.services.shared.counters import Counters
from drcli.services.shared.environment import Pretrained
from drcli.services.shared.training_job import TrainingJob
from drcli.store.checkpoints import CheckpointIndex, list_checkpoints, read_checkpoint, read_index
from drcli.store.run_status import RunStatus, read_status
from drcli.train.algorithms.algorithm import Algorithm
from drcli.train.checkpoint_formats import read_weights
from drcli.train.model import ModelSpec
from drcli.train.network import PolicyNetwork


@dataclass(frozen=True)
class StartingPoint:
    """The network, the learner's state and the counters to start with, and what is in the bucket already.

    before: what the trainer that this one replaces within the run wrote last; is_of_another: whether another run or
    method trained the network, so that its value head may know nothing of this run's rewards.
    """

    network: PolicyNetwork
    counters: Counters
    learner_state: Mapping[str, torch.Tensor] = field(default_factory=dict)
    published: CheckpointName | None = None
    index: CheckpointIndex | None = None
    before: RunStatus | None = None
    is_of_another: bool = False

    @property
    def trained_s(self) -> float:
        """Training time of earlier starts of the trainer within this run."""
        return self.before.trained_s if self.before is not None else 0.0

    @property
    def is_from_scratch(self) -> bool:
        """Whether nothing has trained the network before."""
        return self.published is None and not self.is_of_another


def find_starting_point(job: TrainingJob, model: ModelSpec, algorithm: Algorithm) -> StartingPoint:
    """Find the start of the run. A run with checkpoints continues after the last one."""
    if list_checkpoints(job.bucket, job.keys):
        return _own_checkpoint(job, model, algorithm)
    seed = job.environment.seed if job.environment.seed is not None else secrets.randbelow(2**32)
    torch.manual_seed(seed)
    if job.environment.pretrained is not None:
        return _pretrained(job, job.environment.pretrained, model, algorithm, seed)
    return StartingPoint(algorithm.network(model), Counters(seed))


def _own_checkpoint(job: TrainingJob, model: ModelSpec, algorithm: Algorithm) -> StartingPoint:
    name, files = read_checkpoint(
        job.bucket, job.keys, "last", stale_lock_s=1.0
    )  # only this trainer writes here
    checkpoint = read_weights(files, str(name))
    service_log.line(f"Checkpoint> Restoring from path={job.keys.checkpoint(str(name))}")
    counters = Counters.from_state(checkpoint.counters)
    torch.manual_seed(counters.seed + counters.steps)
    network = algorithm.network(model, checkpoint.variables)
    return StartingPoint(
        network,
        counters,
        checkpoint.state,
        name,
        read_index(job.bucket, job.keys),
        _status_before(job),
        is_of_another=counters.phase == "student",
    )


def _status_before(job: TrainingJob) -> RunStatus | None:
    """From the status document: `dr start-training` deletes that of an earlier run, so only a restart finds one."""
    status = read_status(job.bucket, job.keys.prefix)
    return status if status is not None and not status.is_over else None


def _pretrained(
    job: TrainingJob, pretrained: Pretrained, model: ModelSpec, algorithm: Algorithm, seed: int
) -> StartingPoint:
    keys = ModelKeys(pretrained.prefix)
    name, files = read_checkpoint(job.bucket, keys, pretrained.which)
    service_log.line(f"Checkpoint> Restoring from path={keys.checkpoint(str(name))}")
    variables = read_weights(files, f"{pretrained.prefix}/{name}").variables
    network = algorithm.network(model, variables)
    return StartingPoint(network, Counters(seed, base=name.number + 1), is_of_another=True)
