"""An evaluation job: drives a checkpoint for a number of trials and writes traces and metrics to the bucket.

Trials of a continuous evaluation follow each other in one go, others are driven side by side; in a race of several
models each has a car of its own. Nothing is written before all trials are done: results are complete or absent.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch

from drcli.config.engine import check_shared_sensors, check_supported
from drcli.config.hyperparameters import Hyperparameters
from drcli.config.model_metadata import ModelMetadata
from drcli.config.run_params import EvaluationParams
from drcli.contract.checkpoint_names import CheckpointName
from drcli.contract.episode import Episode, Lap
from drcli.contract.keys import ModelKeys, evaluation_facts, evaluation_trace
from drcli.errors import DrError
from drcli.services.evaluator.lineup import Contestant, Lineup
from drcli.services.evaluator.standings import standings, verdict
from drcli.services.observers.observer import ObservedRun, RunEnd
from drcli.services.observers.subscriptions import Subscriptions
from drcli.services.shared import service_log
from drcli.services.shared.environment import Environment
from drcli.services.shared.heartbeat import Heartbeat
from drcli.services.shared.program import StopFlag
from drcli.services.shared.run_track import load_run_track
from drcli.services.shared.store_retry import retry_while_unreachable
from drcli.services.shared.training_job import check_race_type
from drcli.sim.sensors.sensor import SensorSpec
from drcli.sim.world import World
from drcli.store import simtrace
from drcli.store.checkpoints import Which, read_checkpoint
from drcli.store.client import Bucket
from drcli.store.metrics import EpisodeResult, EvaluationMetrics, Incidents
from drcli.tables import RACES
from drcli.train.algorithms.algorithm import Actor, algorithm_of
from drcli.train.checkpoint_formats import read_weights
from drcli.train.hardware import Hardware
from drcli.train.model import ModelSpec
from drcli.train.network import weights_of


@dataclass(frozen=True)
class EvaluationJob:
    """Which models are evaluated, in what race; the first one's documents say so."""

    contestants: tuple[Contestant, ...]

    @property
    def params(self) -> EvaluationParams:
        """The params of the evaluation."""
        return self.contestants[0].params

    @classmethod
    def read(cls, bucket: Bucket, keys: ModelKeys, environment: Environment) -> EvaluationJob:
        """Read it from the bucket. Raises DrError if anything is missing or does not match."""
        document = bucket.get(keys.params(environment.params_file)).decode()
        params = EvaluationParams.parse(document)
        check_race_type(params.race.race_type)
        if len(params.world_names) > 1:
            raise DrError(
                f"WORLD_NAME is {params.world_name}, but an evaluation drives on one track.",
                "Name one of them: `dr evaluate --set DR_WORLD_NAME=…`.",
            )
        cars = EvaluationParams.parse_cars(document, RACES.load(params.race.race_type).cars_per_race)
        contestants = tuple(_contestant(bucket, car) for car in cars)
        check_shared_sensors(each.metadata for each in contestants)
        return cls(contestants)


def evaluate(environment: Environment, stop: StopFlag) -> bool:
    """Drive all trials and write their results, unless a stop is requested; return whether it was."""
    torch.set_num_threads(environment.threads)
    bucket, keys = Bucket(environment.store), ModelKeys(environment.prefix)
    job = retry_while_unreachable(lambda: EvaluationJob.read(bucket, keys, environment), bucket, stop)
    params = job.params
    models = " against ".join(f"{c.params.model_prefix}, checkpoint {c.checkpoint}," for c in job.contestants)
    service_log.line(f"Evaluating {models} on {params.world_name}.")
    observers = Subscriptions.of(
        ObservedRun("evaluation", environment, bucket, keys, params.world_name, job.contestants[0].metadata)
    )
    heartbeat = Heartbeat.of_service()
    heartbeat.beat()  # before the world is made and takes its first step: its kernels may have to be compiled
    lineup = Lineup(_world(job, environment), job.contestants, observers)
    driven = lineup.drive(stop, heartbeat)
    if stop.is_set:
        return True
    for episodes in driven:
        _number(episodes)
        for episode in episodes:
            observers.episode(environment.worker_index, episode)
    retry_while_unreachable(lambda: _write(bucket, job, driven), bucket, stop)
    observers.end(RunEnd("ended"))
    service_log.line("Evaluation job complete.")
    return False


def _world(job: EvaluationJob, environment: Environment) -> World:
    """A car for each contestant, and that for each trial, unless trials follow each other in one go."""
    race = replace(
        job.params.race, metadata_versions=tuple(each.metadata.version for each in job.contestants)
    )
    sides = 1 if race.is_continuous else race.number_of_trials
    track = load_run_track(job.params.world_name, environment)
    return World(track, race, sides * len(job.contestants), sensors=_sensors(job.contestants))


def _sensors(contestants: Sequence[Contestant]) -> tuple[SensorSpec, ...]:
    """All that any of them sees."""
    specs = (spec for each in contestants for spec in ModelSpec.of(each.metadata).sensors)
    return tuple(dict.fromkeys(specs))


def _number(episodes: Sequence[Episode]) -> None:
    """Number the trials of a contestant from 0: cars drove side by side, but rows read as if in sequence."""
    for number, episode in enumerate(episodes):
        if shift := number - episode.number:
            episode.rows = [row._replace(episode=row.episode + shift) for row in episode.rows]


def _contestant(bucket: Bucket, params: EvaluationParams) -> Contestant:
    key = params.model_metadata_key
    metadata = ModelMetadata.parse(bucket.get(key).decode(), key)
    check_supported(metadata, key)
    which = which_checkpoint(params.eval_checkpoint)
    name, files = read_checkpoint(bucket, ModelKeys(params.model_prefix), which)
    return Contestant(params, metadata, name, _actor(metadata, key, name, files))


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


def _write(bucket: Bucket, job: EvaluationJob, driven: Sequence[Sequence[Episode]]) -> None:
    """Everything that belongs to a model goes to its own places; the metrics of the first one are written last."""
    params = job.params
    facts: dict[str, object] = {
        "checkpoint": str(job.contestants[0].checkpoint),
        "world_name": params.world_name,
        "race_type": params.race.race_type,
    }
    if len(job.contestants) > 1:
        found = standings(job.contestants, driven, params.race.number_of_trials)
        facts |= {"rules": params.race.rules, "standings": [standing.to_dict() for standing in found]}
        service_log.line(verdict(found))
    bucket.put(evaluation_facts(params.simtrace_prefix), json.dumps(facts).encode())
    for contestant, episodes in reversed(tuple(zip(job.contestants, driven, strict=True))):
        rows = [row for episode in episodes for row in episode.rows]
        metrics = EvaluationMetrics()
        for lap in (lap for episode in episodes for lap in episode.laps):
            metrics.append(_result(lap), _incidents(lap))
        bucket.put(evaluation_trace(contestant.params.simtrace_prefix), simtrace.format_csv(rows))
        bucket.put(contestant.params.metrics_key, metrics.to_json())


def _result(lap: Lap) -> EpisodeResult:
    return EpisodeResult(0.0, lap.completion_percentage, lap.status, lap.start_time_s, lap.end_time_s)


def _incidents(lap: Lap) -> Incidents:
    return Incidents(lap.crash_count, lap.immobilized_count, lap.off_track_count, lap.reversed_count)
