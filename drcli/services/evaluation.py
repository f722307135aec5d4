"""An evaluation job: drives a checkpoint over some trials and leaves traces and metrics in the bucket.

`python -m drcli.services.evaluation`. Trials of a continuous evaluation follow each other in one go, others
are driven side by side. Nothing is written before all trials are done: results are complete or absent.
"""

from __future__ import annotations

import json

import torch

from drcli.config.model_metadata import ModelMetadata
from drcli.config.run_params import EvaluationParams
from drcli.contract.keys import ModelKeys, evaluation_facts, join
from drcli.errors import DrError
from drcli.services import acting, log, program
from drcli.services.acting import ActionSpace
from drcli.services.driving import Driver
from drcli.services.environment import Environment
from drcli.services.health import Heartbeat
from drcli.services.patience import patiently
from drcli.services.tracks import load_world
from drcli.sim.race import Episode, Lap, RaceConfig
from drcli.sim.world import World
from drcli.store import simtrace
from drcli.store.checkpoints import CheckpointName, Which, read_checkpoint
from drcli.store.client import Bucket
from drcli.store.metrics import EpisodeResult, EvaluationMetrics, Incidents
from drcli.train.checkpoint import from_tensors, unpack
from drcli.train.hardware import Hardware
from drcli.train.policy import Exploration, Policy


def main() -> None:
    """Run one evaluation job."""
    program.run(evaluate)


def evaluate(environment: Environment, stop: program.StopFlag) -> bool:
    """Drive all trials and write their results, unless a stop is requested; whether it was."""
    torch.set_num_threads(environment.threads)
    bucket, keys = Bucket(environment.store), ModelKeys(environment.prefix)

    def read() -> tuple[EvaluationParams, ActionSpace, Policy, CheckpointName]:
        params = EvaluationParams.parse(bucket.get(keys.params(environment.params_file)).decode())
        return params, *_policy(bucket, params)

    params, space, policy, checkpoint = patiently(read, bucket, stop)
    driver = Driver(_world(params, environment), space, policy)
    episodes = drive(driver, params, stop, Heartbeat.of_service())
    if stop.is_set:
        return True
    patiently(lambda: _write(bucket, params, checkpoint, episodes), bucket, stop)
    log.line("Evaluation job complete.")
    return False


def drive(
    driver: Driver, params: EvaluationParams, stop: program.StopFlag, heartbeat: Heartbeat
) -> list[Episode]:
    """All trials, with a line for each lap."""
    driver.reset([1] * len(driver.world.active))
    episodes: list[Episode] = []
    while driver.world.active.any() and not stop.is_set:
        heartbeat.beat()
        *_, transition = driver.step(greedy=True)
        episodes += transition.episodes
    for number, episode in enumerate(sorted(episodes, key=lambda e: e.number)):
        if not params.is_continuous:  # trials side by side: number them as if one had followed the other
            episode.rows = [row._replace(episode=number) for row in episode.rows]
        log.lines(simtrace.format_log_line(row) for row in episode.rows)
    return sorted(episodes, key=lambda e: e.number)


def _world(params: EvaluationParams, environment: Environment) -> World:
    track = load_world(params.world_name, environment)
    config = RaceConfig(
        start_position_offset=params.start_position_offset,
        change_start_position=False,
        reverse_dir=params.reverse_dir,
        number_of_resets=params.number_of_resets,
        off_track_penalty_s=params.off_track_penalty_s,
        collision_penalty_s=params.collision_penalty_s,
        number_of_reverse_counts=params.number_of_reverse_counts,
        is_continuous=params.is_continuous,
        number_of_trials=params.number_of_trials,
    )
    return World(track, config, 1 if params.is_continuous else params.number_of_trials)


def _policy(bucket: Bucket, params: EvaluationParams) -> tuple[ActionSpace, Policy, CheckpointName]:
    metadata = ModelMetadata.parse(bucket.get(params.model_metadata_key).decode(), params.model_metadata_key)
    sensor, space = acting.check_supported(metadata), ActionSpace(metadata)
    name, data = read_checkpoint(
        bucket, ModelKeys(params.model_prefix), which_checkpoint(params.eval_checkpoint)
    )
    network = from_tensors(unpack(data, str(name))[0], sensor)
    if network.spec != space.spec:
        raise DrError(f"Checkpoint {name} does not fit the action space in {params.model_metadata_key}.")
    hardware = Hardware.detect(use_cuda=False)
    policy = Policy(space.spec, hardware, Exploration(), seed=0)
    policy.load(network.weights(hardware.dtype))
    log.line(f"Evaluating {params.model_prefix}, checkpoint {name}, on {params.world_name}.")
    return space, policy, name


def which_checkpoint(text: str) -> Which:
    """EVAL_CHECKPOINT: `best`, a number, or else `last`, as the community's engine takes it."""
    return int(text) if text.isdigit() else "best" if text == "best" else "last"


def _write(
    bucket: Bucket, params: EvaluationParams, checkpoint: CheckpointName, episodes: list[Episode]
) -> None:
    rows = [row for episode in episodes for row in episode.rows]
    metrics = EvaluationMetrics()
    for lap in (lap for episode in episodes for lap in episode.laps):
        metrics.append(_result(lap), _incidents(lap))
    trace = join(params.simtrace_prefix, "evaluation-simtrace", "0-iteration.csv")
    bucket.put(trace, simtrace.format_csv(rows))
    facts = {"checkpoint": str(checkpoint), "world_name": params.world_name, "race_type": params.race_type}
    bucket.put(evaluation_facts(params.simtrace_prefix), json.dumps(facts).encode())
    bucket.put(params.metrics_key, metrics.to_json())


def _result(lap: Lap) -> EpisodeResult:
    return EpisodeResult(0.0, lap.completion_percentage, lap.status, lap.start_time_s, lap.end_time_s)


def _incidents(lap: Lap) -> Incidents:
    return Incidents(lap.crash_count, lap.immobilized_count, lap.off_track_count, lap.reversed_count)


if __name__ == "__main__":
    main()
