"""Where a training run starts: its own last checkpoint, a pretrained model, or random weights."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

import torch

from drcli import env
from drcli.contract.keys import ModelKeys
from drcli.errors import DrError
from drcli.services import log
from drcli.services.acting import ActionSpace
from drcli.services.job import TrainingJob
from drcli.services.recorder import Counters
from drcli.store.checkpoints import (
    CheckpointIndex,
    CheckpointName,
    Which,
    list_checkpoints,
    read_checkpoint,
    read_index,
)
from drcli.train.checkpoint import from_tensors, unpack
from drcli.train.network import ActorCritic

_TRUE = ("true", "yes", "t", "1")  # what the community's trainer takes for true


@dataclass(frozen=True)
class Start:
    """The network to go on with, the run's counters, and what of it is in the bucket already."""

    network: ActorCritic
    counters: Counters
    published: CheckpointName | None = None
    index: CheckpointIndex | None = None


def find_start(job: TrainingJob, sensor: str) -> Start:
    """The start of the run. A run that has checkpoints goes on after the last one: nothing is lost."""
    if list_checkpoints(job.bucket, job.keys):
        return _own_checkpoint(job, sensor)
    seed = job.environment.seed if job.environment.seed is not None else secrets.randbelow(2**32)
    torch.manual_seed(seed)
    if env.read(env.PRETRAINED).lower() in _TRUE:
        return _pretrained(job, sensor, seed)
    return Start(ActorCritic(ActionSpace(job.metadata).spec), Counters(seed))


def _own_checkpoint(job: TrainingJob, sensor: str) -> Start:
    name, data = read_checkpoint(job.bucket, job.keys, "last", stale_lock_s=1.0)  # nobody but us writes here
    tensors, state = unpack(data, str(name))
    log.line(f"Checkpoint> Restoring from path={job.keys.checkpoint(str(name))}")
    counters = Counters.from_state(state)
    torch.manual_seed(counters.seed + counters.steps)
    return Start(_network(job, tensors, sensor), counters, name, read_index(job.bucket, job.keys))


def _pretrained(job: TrainingJob, sensor: str, seed: int) -> Start:
    prefix = env.read(env.PRETRAINED_S3_PREFIX)
    which: Which = "last" if env.read(env.PRETRAINED_CHECKPOINT) == "last" else "best"
    name, data = read_checkpoint(job.bucket, ModelKeys(prefix), which)
    log.line(f"Checkpoint> Restoring from path={ModelKeys(prefix).checkpoint(str(name))}")
    tensors, _ = unpack(data, f"{prefix}/{name}")
    return Start(_network(job, tensors, sensor), Counters(seed, base=name.number + 1))


def _network(job: TrainingJob, tensors: dict[str, torch.Tensor], sensor: str) -> ActorCritic:
    network, wanted = from_tensors(tensors, sensor), ActionSpace(job.metadata).spec
    if network.spec != wanted:
        raise DrError(
            f"The checkpoint has {_describe(network)}, model_metadata.json asks for {wanted.num_outputs} "
            f"{'continuous' if wanted.is_continuous else 'discrete'} outputs.",
            "Use the action space the model was trained with.",
        )
    return network


def _describe(network: ActorCritic) -> str:
    kind = "continuous" if network.spec.is_continuous else "discrete"
    return f"{network.spec.num_outputs} {kind} outputs"
