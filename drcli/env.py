"""Every process environment variable that drcli itself reads, by name; the only module that reads them.

The `DR_` settings of a workspace are not here: they live in files, see `drcli.config`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

DR_DIR = "DR_DIR"  # the workspace, when `dr` runs outside of one
DR_EXPERIMENT_NAME = "DR_EXPERIMENT_NAME"

NO_COLOR = "NO_COLOR"  # any text: no colours, see no-color.org

# Where the engine of containers and the X server of this machine are.
DOCKER_HOST = "DOCKER_HOST"
DISPLAY = "DISPLAY"
XAUTHORITY = "XAUTHORITY"

# What pip and OpenSSL are told on this machine holds for the building of images, too.
PIP_FIND_LINKS = "PIP_FIND_LINKS"  # folders of wheels
PIP_CERT = "PIP_CERT"
SSL_CERT_FILE = "SSL_CERT_FILE"

# What a service of a stack is started with; names of the community's containers where they have one.
S3_ENDPOINT_URL = "S3_ENDPOINT_URL"
AWS_REGION = "AWS_REGION"
AWS_ACCESS_KEY_ID = "AWS_ACCESS_KEY_ID"
AWS_SECRET_ACCESS_KEY = "AWS_SECRET_ACCESS_KEY"
AWS_SESSION_TOKEN = "AWS_SESSION_TOKEN"
AWS_PROFILE = "AWS_PROFILE"
MODEL_S3_BUCKET = "MODEL_S3_BUCKET"
MODEL_S3_PREFIX = "MODEL_S3_PREFIX"
S3_YAML_NAME = "S3_YAML_NAME"
HYPERPARAMETER_FILE_S3_KEY = "HYPERPARAMETER_FILE_S3_KEY"
MODELMETADATA_FILE_S3_KEY = "MODELMETADATA_FILE_S3_KEY"
PRETRAINED = "PRETRAINED"
PRETRAINED_S3_PREFIX = "PRETRAINED_S3_PREFIX"
PRETRAINED_CHECKPOINT = "PRETRAINED_CHECKPOINT"
MAX_MEMORY_STEPS = "MAX_MEMORY_STEPS"
RUN_ID = "RUN_ID"
ROLLOUT_IDX = "ROLLOUT_IDX"

# Ours alone.
DR_WORKERS = "DR_WORKERS"
DR_CARS_PER_WORKER = "DR_CARS_PER_WORKER"
DR_CONFIGS = "DR_CONFIGS"  # how many params documents a multi-config run has; else 1
DR_SEED = "DR_SEED"
DR_TRAIN_STOP_PROGRESS = "DR_TRAIN_STOP_PROGRESS"
DR_TRAIN_MAX_MINUTES = "DR_TRAIN_MAX_MINUTES"
DR_TRAIN_EVAL_INTERVAL = "DR_TRAIN_EVAL_INTERVAL"
DR_TRACKS_URL = "DR_TRACKS_URL"
DR_TRACKS_DIR = "DR_TRACKS_DIR"
DR_WIRE_ENDPOINT = "DR_WIRE_ENDPOINT"  # where the trainer listens, e.g. tcp://127.0.0.1:5555
DR_WIRE_KEYS = "DR_WIRE_KEYS"  # the file with the CURVE keys of the run
DR_WIRE_SECRET = "DR_WIRE_SECRET"  # in containers instead: what the CURVE keys are made of, 64 hex digits
DR_CONTAINER = "DR_CONTAINER"  # 1: Docker starts a service again that leaves with another code than 0
DR_WORKER_NAME = "DR_WORKER_NAME"  # what tells workers without an index apart; default: the host's name
DR_THREADS = "DR_THREADS"  # threads of one service
DR_HEARTBEAT_FILE = "DR_HEARTBEAT_FILE"  # touched by a service that is well; default in containers: in /tmp
DR_EXIT_FILE = "DR_EXIT_FILE"  # where a service leaves its exit code for the supervisor


def read(name: str, default: str = "") -> str:
    """The value of one variable, `default` when it is unset."""
    return os.environ.get(name, default)


def outer() -> Mapping[str, str]:
    """The environment `dr` was started in: the last resort of `$VAR` in env files."""
    return os.environ


def child(extra: Mapping[str, str]) -> dict[str, str]:
    """The environment of a program we start: ours plus `extra`."""
    return {**os.environ, **extra}
