"""What a service is told when it starts: environment variables in, one typed value out."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass, field
from pathlib import Path

from drcli import env
from drcli.errors import DrError
from drcli.store.client import StoreConfig


@dataclass(frozen=True)
class Environment:
    """The start of a sagemaker or robomaker service; see `drcli.env` for the variables.

    worker_index: -1 when the trainer is to give one to `worker_name`.
    """

    store: StoreConfig
    prefix: str
    params_file: str
    run_id: int
    workers: int
    worker_index: int
    cars_per_worker: int
    seed: int | None
    threads: int
    tracks_url: str
    tracks_dir: Path | None
    wire_endpoint: str
    wire_keys: Path
    wire_secret: str = field(default="", repr=False)
    worker_name: str = ""
    is_container: bool = False
    configs: int = 1

    @classmethod
    def read(cls) -> Environment:
        """From this process's environment. DrError names a variable that is missing or no number."""
        tracks_dir = env.read(env.DR_TRACKS_DIR)
        has_token = bool(env.read(env.AWS_SESSION_TOKEN))  # boto3 finds temporary credentials itself
        return cls(
            store=StoreConfig(
                bucket=required(env.MODEL_S3_BUCKET),
                endpoint_url=env.read(env.S3_ENDPOINT_URL) or None,
                region=env.read(env.AWS_REGION, "us-east-1"),
                access_key=None if has_token else env.read(env.AWS_ACCESS_KEY_ID) or None,
                secret_key=None if has_token else env.read(env.AWS_SECRET_ACCESS_KEY) or None,
                profile=env.read(env.AWS_PROFILE) or None,
            ),
            prefix=required(env.MODEL_S3_PREFIX),
            params_file=required(env.S3_YAML_NAME),
            run_id=number(env.RUN_ID, 0),
            workers=number(env.DR_WORKERS, 1),
            configs=number(env.DR_CONFIGS, 1),
            worker_index=number(env.ROLLOUT_IDX, -1),
            cars_per_worker=number(env.DR_CARS_PER_WORKER, 16),
            seed=number(env.DR_SEED) if env.read(env.DR_SEED) else None,
            threads=number(env.DR_THREADS, os.cpu_count() or 1),
            tracks_url=env.read(env.DR_TRACKS_URL),
            tracks_dir=Path(tracks_dir) if tracks_dir else None,
            wire_endpoint=env.read(env.DR_WIRE_ENDPOINT),
            wire_keys=Path(env.read(env.DR_WIRE_KEYS)),
            wire_secret=env.read(env.DR_WIRE_SECRET),
            worker_name=env.read(env.DR_WORKER_NAME) or socket.gethostname(),
            is_container=in_container(),
        )


def in_container() -> bool:
    """Whether Docker looks after this service, and not a supervisor of ours."""
    return env.read(env.DR_CONTAINER) == "1"


def required(name: str) -> str:
    """A variable that must be there."""
    value = env.read(name)
    if not value:
        raise DrError(
            f"The service was started without {name}.", "Start it with `dr start-training` or `dr evaluate`."
        )
    return value


def number(name: str, default: int = 0) -> int:
    """A whole number."""
    text = env.read(name)
    try:
        return int(text) if text else default
    except ValueError:
        raise DrError(f"{name} is {text!r}, not a whole number.") from None


def real(name: str) -> float | None:
    """A number, None when unset."""
    text = env.read(name)
    try:
        return float(text) if text else None
    except ValueError:
        raise DrError(f"{name} is {text!r}, not a number.") from None
