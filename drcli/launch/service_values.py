"""The variables that our engine's services get from the run's settings, in any style.

`drcli.contract.service_variables.told` selects those of each service.
"""

from __future__ import annotations

from drcli import env
from drcli.config.settings import Settings
from drcli.contract.keys import ModelKeys
from drcli.launch.machine import Snapshot

TRAINING_CAMERAS, EVALUATION_CAMERAS = 8080, 8180  # first ports of live pictures, as in DeepRacer-for-Cloud


def training_values(settings: Settings, snapshot: Snapshot) -> dict[str, str]:
    """Variables of trainer and workers, except those that depend on the style."""
    prefix = settings.local_s3_model_prefix
    own = ModelKeys(prefix)
    return _common(settings, snapshot, prefix, settings.local_s3_training_params_file) | {
        env.DR_WORKERS: str(settings.workers),
        env.DR_CARS_PER_WORKER: str(settings.cars_per_worker),
        env.DR_REWARD_PROCESSES: _text(settings.reward_processes),
        env.DR_CAMERA_PORT: _camera_port(settings, TRAINING_CAMERAS),
        env.DR_CONFIGS: str(settings.workers if settings.train_multi_config else 1),
        # The run's own copies: another run may replace the files under DR_LOCAL_S3_CUSTOM_FILES_PREFIX.
        env.HYPERPARAMETER_FILE_S3_KEY: own.hyperparameters,
        env.MODELMETADATA_FILE_S3_KEY: own.model_metadata,
        env.PRETRAINED: str(settings.local_s3_pretrained),
        env.PRETRAINED_S3_PREFIX: settings.local_s3_pretrained_prefix,
        env.PRETRAINED_CHECKPOINT: settings.local_s3_pretrained_checkpoint,
        env.MAX_MEMORY_STEPS: _text(settings.train_max_steps_per_iteration),
        env.DR_SEED: _text(settings.seed),
        env.DR_TRAIN_METHOD: settings.train_method,
        env.DR_TRAIN_TEACHER_STEPS: str(settings.train_teacher_steps),
        env.DR_TRAIN_TEACHER_FALLBACK: settings.train_teacher_fallback,
        env.DR_TRAIN_TF_CHECKPOINTS: str(settings.train_tf_checkpoints),
        env.DR_TRAIN_STOP_PROGRESS: _text(settings.train_stop_progress),
        env.DR_TRAIN_MAX_MINUTES: _text(settings.train_max_minutes),
        env.DR_TRAIN_EVAL_INTERVAL: _text(settings.train_eval_interval),
        env.DR_METRICS_PORT: _text(settings.metrics_port),
        env.DR_TENSORBOARD: str(settings.tensorboard),
    }


def evaluation_values(settings: Settings, snapshot: Snapshot, prefix: str) -> dict[str, str]:
    """Variables of an evaluation of the model at `prefix`, except those that depend on the style."""
    return _common(settings, snapshot, prefix, settings.local_s3_eval_params_file) | {
        env.DR_CAMERA_PORT: _camera_port(settings, EVALUATION_CAMERAS)
    }


def trainer_threads(settings: Settings, cores: int) -> str:
    """Threads of the trainer: the cores that are left if each worker uses one, at least 1.

    In guided training trainer and workers take turns.
    """
    return str(cores if settings.train_method == "guided" else max(1, cores - settings.workers))


def worker_threads(settings: Settings, cores: int) -> str:
    """Threads of a worker on a machine with that many cores."""
    return str(max(1, cores // settings.workers) if settings.train_method == "guided" else 1)


def reward_processes(settings: Settings, cores: int) -> str:
    """Processes for slow rewards of each worker on a machine with that many cores, on which all workers are."""
    return str(settings.reward_processes or max(1, cores // settings.workers))


def _common(settings: Settings, snapshot: Snapshot, prefix: str, params_file: str) -> dict[str, str]:
    return {
        env.MODEL_S3_BUCKET: snapshot.store.bucket,
        env.MODEL_S3_PREFIX: prefix,
        env.S3_YAML_NAME: params_file,
        env.S3_ENDPOINT_URL: snapshot.endpoint or "",
        env.AWS_REGION: snapshot.store.region,
        env.RUN_ID: str(settings.run_id),
        env.DR_TRACKS_URL: settings.tracks_url,
        env.TELEGRAF_HOST: settings.telegraf_host,
        env.TELEGRAF_PORT: str(settings.telegraf_port),
    }


def _camera_port(settings: Settings, first: int) -> str:
    return str(first if settings.camera_kvs_enable else 0)


def _text(value: object) -> str:
    return "" if value is None else str(value)
