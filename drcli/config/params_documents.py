"""Params documents: the YAML files that a run's workers read, as DeepRacer-for-Cloud writes them. Pure functions.

Keys and values follow DeepRacer-for-Cloud's `scripts/{training,evaluation,upload}/prepare-config.py`
(github.com/aws-deepracer-community/deepracer-for-cloud); `drcli.config.run_params` reads them back.
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from drcli.config.settings import Settings

Value = str | list[str] | bool | int
Values = dict[str, Value]

UPLOAD_NAME = "training_params.yaml"
_RACE = {
    "AWS_REGION": "DR_AWS_APP_REGION",
    "ENABLE_DOMAIN_RANDOMIZATION": "DR_ENABLE_DOMAIN_RANDOMIZATION",
    "RACE_TYPE": "DR_RACE_TYPE",
    "WORLD_NAME": "DR_WORLD_NAME",
}
_OURS = {  # what only our engine reads; written if it is set, so that other documents are DeepRacer-for-Cloud's
    "CAR_DYNAMICS": "DR_CAR_DYNAMICS",
    "RANDOMIZE": "DR_RANDOMIZE",
    "RANDOMIZE_LATENCY": "DR_RANDOMIZE_LATENCY",
    "RANDOMIZE_SPEED": "DR_RANDOMIZE_SPEED",
    "RANDOMIZE_STEERING": "DR_RANDOMIZE_STEERING",
    "STEP_JITTER": "DR_STEP_JITTER",
}
_VIEW = {
    "CAMERA_MAIN_ENABLE": "DR_CAMERA_MAIN_ENABLE",
    "CAMERA_SUB_ENABLE": "DR_CAMERA_SUB_ENABLE",
    "ENABLE_EXTRA_KVS_OVERLAY": "DR_ENABLE_EXTRA_KVS_OVERLAY",
    "KINESIS_VIDEO_STREAM_NAME": "DR_KINESIS_STREAM_NAME",
}
_CAR = {
    "BODY_SHELL_TYPE": "DR_CAR_BODY_SHELL_TYPE",
    "CAR_COLOR": "DR_CAR_COLOR",
    "DISPLAY_NAME": "DR_DISPLAY_NAME",
    "RACER_NAME": "DR_RACER_NAME",
}
_TRAINING = {
    "ALTERNATE_DRIVING_DIRECTION": "DR_TRAIN_ALTERNATE_DRIVING_DIRECTION",
    "CAR_NAME": "DR_CAR_NAME",
    "CHANGE_START_POSITION": "DR_TRAIN_CHANGE_START_POSITION",
    "MIN_EVAL_TRIALS": "DR_TRAIN_MIN_EVAL_TRIALS",
    "ROUND_ROBIN_ADVANCE_DIST": "DR_TRAIN_ROUND_ROBIN_ADVANCE_DIST",
    "START_POSITION_OFFSET": "DR_TRAIN_START_POSITION_OFFSET",
}
_TRAINING_HERE = {
    "BEST_MODEL_METRIC": "DR_TRAIN_BEST_MODEL_METRIC",
    "METRICS_S3_BUCKET": "DR_LOCAL_S3_BUCKET",
    "MODEL_METADATA_FILE_S3_KEY": "DR_LOCAL_S3_MODEL_METADATA_KEY",
    "NUM_WORKERS": "DR_WORKERS",
    "REVERSE_DIR": "DR_TRAIN_REVERSE_DIRECTION",
    "REWARD_FILE_S3_KEY": "DR_LOCAL_S3_REWARD_KEY",
    "SAGEMAKER_SHARED_S3_BUCKET": "DR_LOCAL_S3_BUCKET",
    "SAGEMAKER_SHARED_S3_PREFIX": "DR_LOCAL_S3_MODEL_PREFIX",
    "SIMTRACE_S3_BUCKET": "DR_LOCAL_S3_BUCKET",
    "SIMTRACE_S3_PREFIX": "DR_LOCAL_S3_MODEL_PREFIX",
}
_EVALUATION = {
    "COLLISION_PENALTY": "DR_EVAL_COLLISION_PENALTY",
    "EVAL_CHECKPOINT": "DR_EVAL_CHECKPOINT",
    "IS_CONTINUOUS": "DR_EVAL_IS_CONTINUOUS",
    "NUMBER_OF_RESETS": "DR_EVAL_MAX_RESETS",
    "NUMBER_OF_TRIALS": "DR_EVAL_NUMBER_OF_TRIALS",
    "OFF_TRACK_PENALTY": "DR_EVAL_OFF_TRACK_PENALTY",
    "RESET_BEHIND_DIST": "DR_EVAL_RESET_BEHIND_DIST",
    "REVERSE_DIR": "DR_EVAL_REVERSE_DIRECTION",
}
_OPPONENT = {
    "BODY_SHELL_TYPE": "DR_EVAL_OPP_CAR_BODY_SHELL_TYPE",
    "DISPLAY_NAME": "DR_EVAL_OPP_DISPLAY_NAME",
    "RACER_NAME": "DR_EVAL_OPP_RACER_NAME",
}
_OBSTACLES = {
    "IS_OBSTACLE_BOT_CAR": "DR_OA_IS_OBSTACLE_BOT_CAR",
    "MIN_DISTANCE_BETWEEN_OBSTACLES": "DR_OA_MIN_DISTANCE_BETWEEN_OBSTACLES",
    "NUMBER_OF_OBSTACLES": "DR_OA_NUMBER_OF_OBSTACLES",
    "OBSTACLE_TYPE": "DR_OA_OBSTACLE_TYPE",
    "RANDOMIZE_OBSTACLE_LOCATIONS": "DR_OA_RANDOMIZE_OBSTACLE_LOCATIONS",
}
_BOT_CARS = {
    "BOT_CAR_SPEED": "DR_H2B_BOT_CAR_SPEED",
    "IS_LANE_CHANGE": "DR_H2B_IS_LANE_CHANGE",
    "LANE_CHANGE_DISTANCE": "DR_H2B_LANE_CHANGE_DISTANCE",
    "LOWER_LANE_CHANGE_TIME": "DR_H2B_LOWER_LANE_CHANGE_TIME",
    "MIN_DISTANCE_BETWEEN_BOT_CARS": "DR_H2B_MIN_DISTANCE_BETWEEN_BOT_CARS",
    "NUMBER_OF_BOT_CARS": "DR_H2B_NUMBER_OF_BOT_CARS",
    "PENALTY_SECONDS": "DR_H2B_BOT_CAR_PENALTY",
    "RANDOMIZE_BOT_CAR_LOCATIONS": "DR_H2B_RANDOMIZE_BOT_CAR_LOCATIONS",
    "UPPER_LANE_CHANGE_TIME": "DR_H2B_UPPER_LANE_CHANGE_TIME",
}


@dataclass(frozen=True)
class Document:
    """A params document and its key in the bucket."""

    key: str
    values: Mapping[str, Value]


def render_training(
    settings: Settings, endpoint: str | None, workers: Sequence[Settings] = ()
) -> tuple[Document, ...]:
    """The documents of a training: one, or one per worker if there are `workers` (2, 3, … of a multi-config run).

    endpoint: where services reach the store; None for AWS itself.
    """
    prefix, name = settings.local_s3_model_prefix, settings.local_s3_training_params_file
    if not workers:
        return (Document(_key(prefix, name), _training(settings, endpoint)),)
    shared: Values = {"MULTI_CONFIG": "True"}
    documents = [_training(settings, endpoint), *(_training(worker, endpoint) | shared for worker in workers)]
    return tuple(
        Document(_key(prefix, worker_file(name, number)), values)
        for number, values in enumerate(documents, start=1)
    )


def worker_file(name: str, number: int) -> str:
    """The name of the document of worker `number` (1, 2, …) of a multi-config run."""
    return f"{name.partition('.')[0]}_{number}.yaml"


def multi_config(documents: Sequence[Document]) -> str:
    """MULTI_CONFIG of the community's workers: the document and the world of each, as JSON."""
    rows = [
        {"config_file": document.key.rpartition("/")[2], "world_name": document.values["WORLD_NAME"]}
        for document in documents
    ]
    return json.dumps({"multi_config": rows})


def render_evaluation(
    settings: Settings, endpoint: str | None, now: datetime, clone: bool = False
) -> Document:
    """The document of an evaluation that starts `now` (its results are named after that time).

    Args:
        settings: of the run.
        endpoint: where services reach the store; None for AWS itself.
        now: the time in its names.
        clone: evaluate a copy of the model, at `<prefix>-E`; results go there too.
    """
    stamp = f"evaluation-{now:%Y%m%d%H%M%S}"
    bucket = settings.local_s3_bucket
    own, metrics = settings.local_s3_model_prefix, settings.local_s3_metrics_prefix
    prefix = f"{own}-E" if clone else own
    if clone and metrics.startswith(f"{own}/"):
        metrics = prefix + metrics.removeprefix(own)
    cars = [
        _texts(settings, _CAR)
        | {
            "METRICS_S3_OBJECT_KEY": f"{metrics}/evaluation/{stamp}.json",
            "MODEL_S3_PREFIX": prefix,
            "SIMTRACE_S3_PREFIX": f"{prefix}/{stamp}",
        }
    ]
    values: Values = {
        **_texts(settings, _RACE | _VIEW | _EVALUATION),
        **_race_extras(settings),
        **_ours(settings),
        **_fixed(endpoint),
        "JOB_TYPE": "EVALUATION",
    }
    if settings.race_type == "HEAD_TO_MODEL":
        cars = [cars[0] | {"CAR_COLOR": "Purple"}, _opponent(settings, now)]
        values |= {"VIDEO_JOB_TYPE": "EVALUATION", "MODEL_NAME": [car["DISPLAY_NAME"] for car in cars]}
    for key in cars[0]:
        values[key] = [car[key] for car in cars]
    for key in ("METRICS_S3_BUCKET", "MODEL_S3_BUCKET", "SIMTRACE_S3_BUCKET"):
        values[key] = [bucket] * len(cars)
    videos = [f"{car['MODEL_S3_PREFIX']}/mp4" for car in cars] if settings.eval_save_mp4 else []
    values |= {"MP4_S3_BUCKET": [bucket] * len(videos), "MP4_S3_OBJECT_PREFIX": videos}
    return Document(_key(prefix, settings.local_s3_eval_params_file), values)


def render_upload(settings: Settings, bucket: str, prefix: str) -> Document:
    """The training document of a model uploaded to `prefix` in `bucket`, for consoles that import it."""
    values: Values = {**_texts(settings, _RACE | _CAR | _TRAINING), **_race_extras(settings)}
    for key in ("OBSTACLE_TYPE", "PENALTY_SECONDS"):
        values.pop(key, None)
    if settings.car_body_shell_type != "deepracer":
        del values["CAR_COLOR"]
    values |= {
        "JOB_TYPE": "TRAINING",
        "METRICS_S3_BUCKET": bucket,
        "METRICS_S3_OBJECT_KEY": f"{prefix}/TrainingMetrics.json",
        "MODEL_METADATA_FILE_S3_KEY": f"{prefix}/model/model_metadata.json",
        "REWARD_FILE_S3_KEY": f"{prefix}/reward_function.py",
        "SAGEMAKER_SHARED_S3_BUCKET": bucket,
        "SAGEMAKER_SHARED_S3_PREFIX": prefix,
    }
    return Document(
        _key(prefix, UPLOAD_NAME), values | _as_consoles_read(values, settings.train_reverse_direction)
    )


def _as_consoles_read(values: Values, is_reversed: bool) -> Values:
    """The direction apart from the track, and what DeepRacer on AWS takes only as a boolean or a number.

    deepracer-on-aws v1.2.5, lambda/src/import-workflow/utils/ImportHelper.ts, getTrackConfig and
    parseObjectAvoidanceConfig; `drcli.config.run_params` puts track and direction together again.
    """
    world = str(values["WORLD_NAME"])
    name, _, way = world.rpartition("_")
    typed: Values = {}
    if way in ("cw", "ccw") and "," not in world:
        typed |= {"WORLD_NAME": name, "TRACK_DIRECTION_CLOCKWISE": (way == "cw") != is_reversed}
    if "NUMBER_OF_OBSTACLES" in values:
        typed["NUMBER_OF_OBSTACLES"] = int(str(values["NUMBER_OF_OBSTACLES"]))
        typed["RANDOMIZE_OBSTACLE_LOCATIONS"] = values["RANDOMIZE_OBSTACLE_LOCATIONS"] == "True"
    return typed


def race_params(settings: Settings) -> Values:
    """What a race type reads from the params document of an evaluation, or of a training, which has fewer of them."""
    return {**_texts(settings, _EVALUATION), **_race_extras(settings)}


def setting_of(key: str) -> str | None:
    """The setting that a race type's key of a params document is written from."""
    return {**_EVALUATION, **_OBSTACLES, **_BOT_CARS, "OBJECT_POSITIONS": "DR_OA_OBJECT_POSITIONS"}.get(key)


def to_yaml(values: Mapping[str, Value]) -> str:
    """A document as text: `---`, sorted keys, texts single-quoted, no tags, no anchors."""
    import yaml

    class Plain(yaml.SafeDumper):
        def ignore_aliases(self, data: object) -> bool:
            return True

        def represent_scalar(self, tag: str, value: str, style: str | None = None) -> yaml.ScalarNode:
            return super().represent_scalar(tag, value, style if tag.endswith(":str") else "")

    text: str = yaml.dump(
        dict(values), Dumper=Plain, default_style="'", default_flow_style=False, explicit_start=True
    )
    return text


def _texts(settings: Settings, names: Mapping[str, str]) -> dict[str, str]:
    return {key: settings.text(name) for key, name in names.items()}


def _ours(settings: Settings) -> dict[str, str]:
    return _texts(settings, {key: name for key, name in _OURS.items() if settings.is_changed(name)})


def _fixed(endpoint: str | None) -> dict[str, str]:
    return {"ROBOMAKER_SIMULATION_JOB_ACCOUNT_ID": "Dummy"} | (
        {"S3_ENDPOINT_URL": endpoint} if endpoint else {}
    )


def _training(settings: Settings, endpoint: str | None) -> Values:
    return {
        **_texts(settings, _RACE | _VIEW | _CAR | _TRAINING | _TRAINING_HERE),
        **_race_extras(settings),
        **_ours(settings),
        **_fixed(endpoint),
        "JOB_TYPE": "TRAINING",
        "METRICS_S3_OBJECT_KEY": f"{settings.local_s3_metrics_prefix}/TrainingMetrics.json",
        "TRAINING_JOB_ARN": "arn:Dummy",
    }


def _race_extras(settings: Settings) -> Values:
    """What a race type adds: obstacles or bot cars."""
    if settings.race_type == "HEAD_TO_BOT":
        return {**_texts(settings, _BOT_CARS)}
    if settings.race_type != "OBJECT_AVOIDANCE":
        return {}
    values: Values = {**_texts(settings, _OBSTACLES)}
    places = [pair.strip() for pair in settings.oa_object_positions.split(";") if pair.strip()]
    return values | ({"OBJECT_POSITIONS": places, "NUMBER_OF_OBSTACLES": str(len(places))} if places else {})


def _opponent(settings: Settings, now: datetime) -> dict[str, str]:
    prefix = settings.eval_opp_s3_model_prefix
    metrics = f"{settings.eval_opp_s3_metrics_prefix}/EvaluationMetrics-{round(now.timestamp())}.json"
    return _texts(settings, _OPPONENT) | {
        "CAR_COLOR": "Orange",
        "METRICS_S3_OBJECT_KEY": metrics,
        "MODEL_S3_PREFIX": prefix,
        "SIMTRACE_S3_PREFIX": prefix,
    }


def _key(prefix: str, name: str) -> str:
    return posixpath.normpath(f"{prefix}/{name}").lstrip("/")
