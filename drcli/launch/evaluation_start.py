"""Start an evaluation, and read its results from the bucket."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from drcli.config.engine import check_shared_sensors, check_supported
from drcli.config.model_metadata import ModelMetadata
from drcli.config.params_documents import Document, Value, render_evaluation, to_yaml
from drcli.config.settings import Settings
from drcli.contract.keys import ModelKeys, evaluation_facts, evaluation_trace
from drcli.errors import DrError
from drcli.launch import planning, run_control, simapp, tensorflow_files
from drcli.launch.bucket import open_bucket
from drcli.launch.launcher import RunRequest
from drcli.launch.plan import Plan
from drcli.launch.pretrained import Origin, check_fits
from drcli.launch.start_checks import (
    check_settings,
    check_single_world,
    check_worlds,
    publish_tracks,
    slow_car,
)
from drcli.launch.store_access import services_endpoint
from drcli.launch.stored_shapes import read_network
from drcli.paths import Workspace
from drcli.store import simtrace
from drcli.store.checkpoints import Which, choose_checkpoint
from drcli.store.client import Bucket
from drcli.store.metrics import STATUS_LABELS, EvaluationMetrics


@dataclass(frozen=True)
class StartedEvaluation:
    """A started evaluation: its settings and plan, and where its results will be."""

    settings: Settings
    plan: Plan
    bucket: Bucket
    document: Document
    warnings: tuple[str, ...] = ()  # about the model

    @property
    def models(self) -> list[str]:
        """The prefixes of the models that drive: one, or several that race each other."""
        return _all(self.document.values["MODEL_S3_PREFIX"])

    @property
    def metrics_key(self) -> str:
        """Key of the metrics."""
        return _first(self.document.values["METRICS_S3_OBJECT_KEY"])

    @property
    def simtrace_prefix(self) -> str:
        """Prefix of everything except the metrics: `<model>/evaluation-<time>`."""
        return _first(self.document.values["SIMTRACE_S3_PREFIX"])

    @property
    def trace_key(self) -> str:
        """Key of the trace."""
        return evaluation_trace(self.simtrace_prefix)

    @property
    def videos_prefixes(self) -> list[str]:
        """Where the videos are, of each model; nothing without DR_EVAL_SAVE_MP4."""
        return _all(self.document.values["MP4_S3_OBJECT_PREFIX"])

    @property
    def name(self) -> str:
        """`evaluation-<time>`."""
        return self.simtrace_prefix.rsplit("/", 1)[-1]


def dry_run(settings: Settings, workspace: Workspace) -> planning.DryRun:
    """What would be started; changes nothing. Settings are checked as for a start, models are not."""
    check_single_world(settings)
    check_settings(settings)
    if simapp.is_ours(settings):
        check_worlds(settings, workspace, keep=False)
    return planning.dry_run(_request(settings, workspace, settings.local_s3_model_prefix))


def start(
    settings: Settings, workspace: Workspace, *, clone: bool = False, which: Which | None = None
) -> StartedEvaluation:
    """Check, write the params document, start the services. `which` overrides DR_EVAL_CHECKPOINT."""
    check_single_world(settings)
    check_settings(settings)
    run_control.check_not_running(workspace, "evaluation", settings.run_id)
    prefix = settings.local_s3_model_prefix
    plan = planning.checked_plan(_request(settings, workspace, prefix))
    bucket = open_bucket(settings, workspace, write=True)
    if plan.is_ours:
        check_worlds(settings, workspace)
    document = render_evaluation(settings, services_endpoint(settings, bucket.config), datetime.now(), clone)
    wanted = _wanted(settings, which, len(_all(document.values["MODEL_S3_PREFIX"])))
    warnings = check_models(settings, bucket, wanted, is_ours=plan.is_ours)
    document = Document(document.key, {**document.values, "EVAL_CHECKPOINT": _as_value(wanted)})
    target = _first(document.values["MODEL_S3_PREFIX"])
    with run_control.claim(plan, workspace):
        plan = planning.final_plan(_request(settings, workspace, target))
        if clone:
            _clone(bucket, prefix, target)
        publish_tracks(settings, workspace, bucket, target)
        bucket.put(document.key, to_yaml(document.values).encode())
        run_control.start(plan, workspace)
    return StartedEvaluation(settings, plan, bucket, document, warnings)


def _request(settings: Settings, workspace: Workspace, prefix: str) -> RunRequest:
    return RunRequest("evaluation", settings, workspace, prefix)


def results(evaluation: StartedEvaluation) -> dict[str, Any]:
    """What `dr evaluate --json` prints. Raises DrError if the evaluation wrote no results."""
    data = evaluation.bucket.find(evaluation.metrics_key)
    if data is None:
        raise DrError(
            "The evaluation ended without results.",
            "Unless it was stopped, `dr logs robomaker --evaluation` shows why.",
        )
    facts = json.loads(evaluation.bucket.find(evaluation_facts(evaluation.simtrace_prefix)) or "{}")
    values = evaluation.document.values
    found = {
        "model": _first(values["MODEL_S3_PREFIX"]),
        "checkpoint": facts.get("checkpoint", values.get("EVAL_CHECKPOINT")),
        "world_name": str(values["WORLD_NAME"]),
        "trials": _trials(data),
    }
    if "standings" in facts:
        return found | _race_results(evaluation, facts["standings"])
    return found


def _race_results(evaluation: StartedEvaluation, standings: list[dict[str, Any]]) -> dict[str, Any]:
    """What a race of several models adds: the other models' trials, and who wins; nobody if all are equally good."""
    keys = _all(evaluation.document.values["METRICS_S3_OBJECT_KEY"])
    others = zip(standings[1:], keys[1:], strict=True)
    winners = [standing["model"] for standing in standings if standing["place"] == 1]
    return {
        "opponents": [
            {
                "model": standing["model"],
                "checkpoint": standing["checkpoint"],
                "trials": _trials(evaluation.bucket.get(key)),
            }
            for standing, key in others
        ],
        "standings": standings,
        "winner": winners[0] if len(winners) == 1 else None,
    }


def _trials(metrics: bytes) -> list[dict[str, Any]]:
    return [_trial(row) for row in EvaluationMetrics.from_json(metrics).trials]


def videos(evaluation: StartedEvaluation) -> dict[str, str]:
    """Where the videos of each model are, by prefix: an address, or "" if they could not be made.

    Those of an earlier evaluation, under the same names, are older than the metrics.
    """
    bucket, found = evaluation.bucket, {}
    written = max((info.last_modified for info in bucket.list(evaluation.metrics_key)), default=None)
    for prefix in evaluation.videos_prefixes:
        new = [info for info in bucket.list(f"{prefix}/") if written and info.last_modified >= written]
        is_made = any(info.key.endswith(".mp4") for info in new)
        found[prefix] = f"s3://{bucket.config.bucket}/{prefix}/" if is_made else ""
    return found


def trace(evaluation: StartedEvaluation) -> list[tuple[Any, ...]]:
    """Rows of the evaluation's simtrace."""
    return simtrace.read_csv(evaluation.bucket.get(evaluation.trace_key), evaluation.trace_key)


def _trial(row: dict[str, Any]) -> dict[str, Any]:
    # As with the community's engine, the document says "In progress" for every completed lap except the last.
    is_complete = row["completion_percentage"] >= 100
    return {
        "trial": row["trial"],
        "completion_percentage": row["completion_percentage"],
        "lap_time_s": row["elapsed_time_in_milliseconds"] / 1000,
        "off_track_count": row["off_track_count"],
        "crash_count": row["crash_count"],
        "reset_count": row["reset_count"],
        "status": STATUS_LABELS["lap_complete"] if is_complete else row["episode_status"],
    }


def _wanted(settings: Settings, which: Which | None, cars: int) -> list[Which]:
    """The checkpoint of each car. A number means one of the model: the others drive that of DR_EVAL_CHECKPOINT."""
    first = settings.eval_checkpoint if which is None else which
    return [first, *[settings.eval_checkpoint if isinstance(first, int) else first] * (cars - 1)]


def _as_value(wanted: list[Which]) -> Value:
    """EVAL_CHECKPOINT: a text as in DeepRacer-for-Cloud, or a list with one per car if they differ."""
    texts = [str(which) for which in wanted]
    return texts if len(set(texts)) > 1 else texts[0]


def check_models(
    settings: Settings, bucket: Bucket, wanted: list[Which], *, is_ours: bool
) -> tuple[str, ...]:
    """What to know about the models, a line each.

    Raises:
        DrError: the engine cannot drive one of them; it names the setting of an opponent.
    """
    check = _check_model if is_ours else _check_any_model
    warnings = list(check(settings, bucket, settings.local_s3_model_prefix, wanted[0]))
    for which in wanted[1:]:
        try:
            warnings += check(settings, bucket, settings.eval_opp_s3_model_prefix, which)
        except DrError as error:
            name = "DR_EVAL_OPP_S3_MODEL_PREFIX"
            where = f"{settings.source(name)}: {name}={settings.text(name)}"
            raise type(error)(f"{where}: {error.message}", error.hint) from None
    if is_ours:
        prefixes = (settings.local_s3_model_prefix, settings.eval_opp_s3_model_prefix)[: len(wanted)]
        check_shared_sensors(_metadata(bucket, ModelKeys(prefix)) for prefix in prefixes)
    return tuple(warnings)


def _check_model(settings: Settings, bucket: Bucket, prefix: str, which: Which) -> tuple[str, ...]:
    """What to know about the model. Raises DrError if the checkpoint does not exist or our engine cannot drive it."""
    keys = ModelKeys(prefix)
    files = choose_checkpoint(bucket, keys, which)
    metadata = _metadata(bucket, keys)
    check_supported(metadata, keys.model_metadata)
    check_fits(Origin(keys.prefix, files, read_network(bucket, files), metadata), metadata)
    return slow_car(settings, metadata, keys.model_metadata)


def _metadata(bucket: Bucket, keys: ModelKeys) -> ModelMetadata:
    return ModelMetadata.parse(bucket.get(keys.model_metadata), keys.model_metadata)


def _check_any_model(settings: Settings, bucket: Bucket, prefix: str, which: Which) -> tuple[str, ...]:
    """Write what the community's engine lacks to load a checkpoint of ours. Raises DrError if it could not load it."""
    if not any(bucket.list(f"{prefix}/model/")):
        raise DrError(f"There is no model under {prefix}.", "`dr models` lists the existing models.")
    tensorflow_files.complete(bucket, prefix, tensorflow_files.known_to_community(which, prefix))
    return ()


def _clone(bucket: Bucket, prefix: str, target: str) -> None:
    """Copy model/ and ip/ to the clone's prefix, after deleting an older clone."""
    bucket.delete_prefix(target)
    for folder in ("model", "ip"):
        for info in bucket.list(f"{prefix}/{folder}/"):
            try:
                bucket.copy(info.key, target + info.key.removeprefix(prefix))
            except DrError:
                if bucket.exists(info.key):  # otherwise a running training has just pruned it
                    raise


def _first(value: Value) -> str:
    return _all(value)[0]


def _all(value: Value) -> list[str]:
    return value if isinstance(value, list) else [str(value)]
