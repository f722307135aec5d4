"""The environment of a service: environment variables in, one typed value out."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass, field
from pathlib import Path

from drcli.contract import service_variables as told
from drcli.store.checkpoints import Which
from drcli.store.store_config import StoreConfig


@dataclass(frozen=True)
class Pretrained:
    """The model whose network a new run begins with."""

    prefix: str
    which: Which


@dataclass(frozen=True)
class Limits:
    """Settings of a training: how often to evaluate, when to stop, how many steps to learn from.

    None means not set. max_memory_steps: per iteration, 0 for no limit.
    """

    stop_progress_pct: float | None = None
    max_minutes: float | None = None
    eval_interval: int | None = None
    max_memory_steps: int = 0


@dataclass(frozen=True)
class Guidance:
    """How long a teacher may learn, and what follows if it does not pass: `pixels` or `stop`."""

    teacher_steps: int = 200_000
    fallback: str = "pixels"


@dataclass(frozen=True)
class MetricsTargets:
    """Programs of others that are told how it goes. Without a host or with port 0 they are not.

    metrics_port: the first port of the run, see `drcli.watch.metrics.endpoint`.
    """

    telegraf_host: str = ""
    telegraf_port: int = 8092
    metrics_port: int = 0
    tensorboard: bool = False


@dataclass(frozen=True)
class Environment:
    """What a service is started with; `drcli.contract.service_variables` documents each variable.

    worker_index: -1 if the trainer assigns one to `worker_name`.
    """

    store: StoreConfig
    prefix: str
    params_file: str
    run_id: int = 0
    hyperparameters_key: str = ""
    model_metadata_key: str = ""
    configs: int = 1
    pretrained: Pretrained | None = None
    method: str = "pixels"
    guidance: Guidance = Guidance()
    limits: Limits = Limits()
    tf_checkpoints: bool = False
    metrics: MetricsTargets = MetricsTargets()
    workers: int = 1
    cars_per_worker: int = 16
    reward_processes: int = 1
    seed: int | None = None
    worker_index: int = -1
    worker_name: str = ""
    threads: int = 1
    tracks_url: str = ""
    tracks_dir: Path | None = None
    wire_endpoint: str = ""
    wire_keys: Path | None = None
    wire_secret: str = field(default="", repr=False)
    is_container: bool = False
    camera_port: int = 0
    camera_file: Path | None = None

    @classmethod
    def read(cls) -> Environment:
        """Read it from this process's environment. Raises DrError for a missing or invalid variable."""
        return cls(
            store=_store(),
            prefix=told.MODEL_PREFIX.read(),
            params_file=told.PARAMS_FILE.read(),
            run_id=told.RUN_ID.read(),
            hyperparameters_key=told.HYPERPARAMETERS_KEY.read(),
            model_metadata_key=told.MODEL_METADATA_KEY.read(),
            configs=told.CONFIGS.read(),
            pretrained=_pretrained(),
            method=told.METHOD.read(),
            guidance=Guidance(told.TEACHER_STEPS.read(), told.TEACHER_FALLBACK.read()),
            limits=Limits(
                stop_progress_pct=told.STOP_PROGRESS.read(),
                max_minutes=told.MAX_MINUTES.read(),
                eval_interval=told.EVAL_INTERVAL.read(),
                max_memory_steps=told.MAX_MEMORY_STEPS.read(),
            ),
            tf_checkpoints=told.TF_CHECKPOINTS.read(),
            metrics=_metrics(),
            workers=told.WORKERS.read(),
            cars_per_worker=told.CARS_PER_WORKER.read(),
            reward_processes=told.REWARD_PROCESSES.read() or os.cpu_count() or 1,
            seed=told.SEED.read(),
            worker_index=told.WORKER_INDEX.read(),
            worker_name=told.WORKER_NAME.read() or socket.gethostname(),
            threads=told.THREADS.read() or os.cpu_count() or 1,
            tracks_url=told.TRACKS_URL.read(),
            tracks_dir=told.TRACKS_FOLDER.read(),
            wire_endpoint=told.WIRE_ENDPOINT.read(),
            wire_keys=told.WIRE_KEYS_FILE.read(),
            wire_secret=told.WIRE_SECRET.read(),
            is_container=told.IS_CONTAINER.read(),
            camera_port=told.CAMERA_PORT.read(),
            camera_file=told.CAMERA_FILE.read(),
        )


def _store() -> StoreConfig:
    has_token = bool(told.AWS_SESSION_TOKEN.read())  # boto3 finds temporary credentials itself
    return StoreConfig(
        bucket=told.S3_BUCKET.read(),
        endpoint_url=told.S3_ENDPOINT_URL.read() or None,
        region=told.AWS_REGION.read(),
        access_key=None if has_token else told.AWS_ACCESS_KEY_ID.read() or None,
        secret_key=None if has_token else told.AWS_SECRET_ACCESS_KEY.read() or None,
        profile=told.AWS_PROFILE.read() or None,
    )


def _metrics() -> MetricsTargets:
    return MetricsTargets(
        told.TELEGRAF_HOST.read(),
        told.TELEGRAF_PORT.read(),
        told.METRICS_PORT.read(),
        told.TENSORBOARD.read(),
    )


def _pretrained() -> Pretrained | None:
    if not told.PRETRAINED.read():
        return None
    wanted = told.PRETRAINED_CHECKPOINT.read()
    which: Which = "last" if wanted == "last" else "fastest" if wanted == "fastest" else "best"
    return Pretrained(told.PRETRAINED_PREFIX.read(), which)
