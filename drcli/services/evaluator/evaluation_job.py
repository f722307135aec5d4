"""An evaluation job: drives a checkpoint for a number of trials and writes traces and metrics to the bucket.

Trials of a continuous evaluation follow each other in one go, others are driven side by side. Nothing is written
before all trials are done: results are complete or absent.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch

from drcli.config.engine import check_supported
from drcli.config.hyperparameters import Hyperparameters
from drcli.config.model_metadata import ModelMetadata
from drcli.config.run_params import EvaluationParams
from drcli.contract.checkpoint_names import CheckpointName
from drcli.contract.episode import Episode, Lap
from drcli.contract.keys import ModelKeys, evaluation_facts, evaluation_trace
from drcli.errors import DrError
from drcli.services.observers.observer import ObservedRun, RunEnd
from drcli.services.observers.subscriptions import Subscriptions
from drcli.services.shared import service_log
from drcli.services.shared.environment import Environment
from drcli.services.shared.heartbeat import Heartbeat
from drcli.services.shared.program import StopFlag
from drcli.services.shared.run_track import load_run_track
from drcli.services.shared.store_retry import retry_while_unreachable
from drcli.services.shared.training_job import check_race_type
from drcli.services.worker.driver import Driver
from drcli.sim.world import World
from drcli.store import simtrace
from drcli.store.checkpoints import Which, read_checkpoint
from drcli.store.client import Bucket
from drcli.store.metrics import EpisodeResult, EvaluationMetrics, Incidents
from drcli.train.algorithms.algorithm import Actor, algorithm_of
from drcli.train.checkpoint_formats import read_weights
from drcli.train.hardware import Hardware
from drcli.train.model import ModelSpec
from drcli.train.network import weights_of


@dataclass(frozen=True)
class EvaluationJob:
    """What is evaluated, and where."""

    params: EvaluationParams
    metadata: ModelMetadata
    checkpoint: CheckpointName
    actor: Actor

    @classmethod
    def read(cls, bucket: Bucket, keys: ModelKeys, environment: Environment) -> EvaluationJob:
        """Read it from the bucket. Raises DrError if anything is missing or does not match."""
        params = EvaluationParams.parse(bucket.get(keys.params(environment.params_file)).decode())
        check_race_type(params.race.race_type)
        if len(params.world_names) > 1:
            raise DrError(
                f"WORLD_NAME is {params.world_name}, but an evaluation drives on one track.",
                "Name one of them: `dr evaluate --set DR_WORLD_NAME=…`.",
            )
        key = params.model_metadata_key
        metadata = ModelMetadata.parse(bucket.get(key).decode(), key)
        check_supported(metadata, key)
        params = replace(params, race=replace(params.race, metadata_version=metadata.version))
        which = which_checkpoint(params.eval_checkpoint)
        name, files = read_checkpoint(bucket, ModelKeys(params.model_prefix), which)
        return cls(params, metadata, name, _actor(metadata, key, name, files))


def evaluate(environment: Environment, stop: StopFlag) -> bool:
    """Drive all trials and write their results, unless a stop is requested; return whether it was."""
    torch.set_num_threads(environment.threads)
    bucket, keys = Bucket(environment.store), ModelKeys(environment.prefix)
    job = retry_while_unreachable(lambda: EvaluationJob.read(bucket, keys, environment), bucket, stop)
    params = job.params
    service_log.line(
        f"Evaluating {params.model_prefix}, checkpoint {job.checkpoint}, on {params.world_name}."
    )
    observers = Subscriptions.of(
        ObservedRun("evaluation", environment, bucket, keys, params.world_name, job.metadata)
    )
    race, model = params.race, ModelSpec.of(job.metadata)
    world = World(
        load_run_track(params.world_name, environment),
        race,
        1 if race.is_continuous else race.number_of_trials,
        sensors=model.sensors,
    )
    driver = Driver(world, model.head, job.actor, observers, is_evaluation=True)
    episodes = drive(driver, stop, Heartbeat.of_service())
    if stop.is_set:
        return True
    if not race.is_continuous:  # trials ran side by side: number them as if they had run in sequence
        for number, episode in enumerate(episodes):
            episode.rows = [row._replace(episode=number) for row in episode.rows]
    for episode in episodes:
        observers.episode(environment.worker_index, episode)
    retry_while_unreachable(lambda: _write(bucket, job, episodes), bucket, stop)
    observers.end(RunEnd("ended"))
    service_log.line("Evaluation job complete.")
    return False


def drive(driver: Driver, stop: StopFlag, heartbeat: Heartbeat) -> list[Episode]:
    """Drive all trials; return them in the order in which they began."""
    driver.reset([1] * driver.world.num_envs)
    episodes: list[Episode] = []
    while driver.world.active.any() and not stop.is_set:
        heartbeat.beat()
        episodes += driver.step().transition.episodes
    return sorted(episodes, key=lambda episode: episode.number)


def _actor(metadata: ModelMetadata, key: str, name: CheckpointName, files: Mapping[str, bytes]) -> Actor:
    model, algorithm = ModelSpec.of(metadata), algorithm_of(metadata)
    try:
        network = algorithm.network(model, read_weights(files, str(name)).variables)
    except DrError as error:
        raise DrError(f"Checkpoint {name} does not fit {key}: {error.message}", error.hint) from error
    hardware = Hardware.detect(use_cuda=False)
    actor = algorithm.actor(model, Hyperparameters(), hardware, 0)
    actor.load(weights_of(network, hardware.dtype))
    return actor


def which_checkpoint(text: str) -> Which:
    """Parse EVAL_CHECKPOINT like the community's engine: `best`, a number, `fastest` (ours); all else is `last`."""
    if text.isdigit():
        return int(text)
    return "best" if text == "best" else "fastest" if text == "fastest" else "last"


def _write(bucket: Bucket, job: EvaluationJob, episodes: list[Episode]) -> None:
    params = job.params
    rows = [row for episode in episodes for row in episode.rows]
    metrics = EvaluationMetrics()
    for lap in (lap for episode in episodes for lap in episode.laps):
        metrics.append(_result(lap), _incidents(lap))
    trace = evaluation_trace(params.simtrace_prefix)
    bucket.put(trace, simtrace.format_csv(rows))
    facts = {
        "checkpoint": str(job.checkpoint),
        "world_name": params.world_name,
        "race_type": params.race.race_type,
    }
    bucket.put(evaluation_facts(params.simtrace_prefix), json.dumps(facts).encode())
    bucket.put(params.metrics_key, metrics.to_json())


def _result(lap: Lap) -> EpisodeResult:
    return EpisodeResult(0.0, lap.completion_percentage, lap.status, lap.start_time_s, lap.end_time_s)


def _incidents(lap: Lap) -> Incidents:
    return Incidents(lap.crash_count, lap.immobilized_count, lap.off_track_count, lap.reversed_count)
