"""Names of all process environment variables that drcli reads. No other module reads them.

The `DR_` settings of a workspace are not listed here: they live in files, see `drcli.config`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

DR_DIR = "DR_DIR"  # the workspace to use when `dr` runs outside of one
DR_EXPERIMENT_NAME = "DR_EXPERIMENT_NAME"
DR_DROA_PASSWORD = "DR_DROA_PASSWORD"  # for `dr droa login` in scripts
DR_STORE_IDLE_MINUTES = "DR_STORE_IDLE_MINUTES"  # for tests: when an unused store ends; 0: never
DR_VIEWER_START = "DR_VIEWER_START"  # what `dr start-viewer` tells its server: token and overrides, as JSON

DR_CAR_PASSWORD = "DR_CAR_PASSWORD"  # the password of a car's console, for `dr car`
XDG_CONFIG_HOME = "XDG_CONFIG_HOME"  # where programs keep what belongs to the user; default: ~/.config
XDG_CACHE_HOME = "XDG_CACHE_HOME"  # where programs keep what can be made again; default: ~/.cache

# What JupyterLab is told besides: the bucket for boto3, its own folders, what no proxy is needed for.
AWS_ENDPOINT_URL_S3 = "AWS_ENDPOINT_URL_S3"
AWS_DEFAULT_REGION = "AWS_DEFAULT_REGION"
JUPYTER_FOLDERS = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")
NO_PROXY = "NO_PROXY"

# Where the metadata service of EC2 answers; a name of AWS's, for its own programs, too.
AWS_EC2_METADATA_SERVICE_ENDPOINT = "AWS_EC2_METADATA_SERVICE_ENDPOINT"

NO_COLOR = "NO_COLOR"  # any text: no colours, see no-color.org

# Where the engine of containers and the X server of this machine are.
DOCKER_HOST = "DOCKER_HOST"
DISPLAY = "DISPLAY"
XAUTHORITY = "XAUTHORITY"

# What pip and OpenSSL are told on this machine holds for the building of images, too.
PIP_FIND_LINKS = "PIP_FIND_LINKS"  # folders of wheels
PIP_CERT = "PIP_CERT"
SSL_CERT_FILE = "SSL_CERT_FILE"

# What services of a stack are started with, under the names that the community's containers use if they have one.
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
TELEGRAF_HOST = "TELEGRAF_HOST"
TELEGRAF_PORT = "TELEGRAF_PORT"

# Used by our services only.
DR_WORKERS = "DR_WORKERS"
DR_CARS_PER_WORKER = "DR_CARS_PER_WORKER"
DR_REWARD_PROCESSES = (
    "DR_REWARD_PROCESSES"  # of one worker, for slow reward functions; empty: one for each core
)
DR_CONFIGS = "DR_CONFIGS"  # number of params documents: more than 1 in a multi-config run
DR_SEED = "DR_SEED"
DR_TRAIN_METHOD = "DR_TRAIN_METHOD"
DR_TRAIN_TEACHER_STEPS = "DR_TRAIN_TEACHER_STEPS"
DR_TRAIN_TEACHER_FALLBACK = "DR_TRAIN_TEACHER_FALLBACK"
DR_TRAIN_TF_CHECKPOINTS = "DR_TRAIN_TF_CHECKPOINTS"
DR_TRAIN_STOP_PROGRESS = "DR_TRAIN_STOP_PROGRESS"
DR_TRAIN_MAX_MINUTES = "DR_TRAIN_MAX_MINUTES"
DR_TRAIN_EVAL_INTERVAL = "DR_TRAIN_EVAL_INTERVAL"
DR_METRICS_PORT = "DR_METRICS_PORT"
DR_TENSORBOARD = "DR_TENSORBOARD"
DR_TRACKS_URL = "DR_TRACKS_URL"
DR_TRACKS_DIR = "DR_TRACKS_DIR"
DR_WIRE_ENDPOINT = "DR_WIRE_ENDPOINT"  # where the trainer listens, e.g. tcp://127.0.0.1:5555
DR_WIRE_KEYS = "DR_WIRE_KEYS"  # file that holds the CURVE keys of the run
DR_WIRE_SECRET = "DR_WIRE_SECRET"  # containers use this instead: the seed of the CURVE keys, 64 hex digits
DR_CONTAINER = "DR_CONTAINER"  # 1: Docker restarts a service that exits with a code other than 0
DR_WORKER_NAME = "DR_WORKER_NAME"  # identifies a worker that has no index; default: the host name
DR_THREADS = "DR_THREADS"  # number of threads of one service
DR_HEARTBEAT_FILE = "DR_HEARTBEAT_FILE"  # touched by a healthy service; default in containers: a file in /tmp
DR_REWARD_LOG_DIR = "DR_REWARD_LOG_DIR"  # where workers keep what the reward function prints
DR_CAMERA_PORT = "DR_CAMERA_PORT"  # the first port that a worker's camera server tries; 0: no live pictures
DR_CAMERA_FILE = "DR_CAMERA_FILE"  # where a worker writes the port that it has found
DR_EXIT_FILE = "DR_EXIT_FILE"  # where a service writes its exit code for the supervisor

# What the operating system needs to start a program.
_NEEDED = ("PATH", "LD_LIBRARY_PATH", "SYSTEMROOT", "TEMP", "TMP", "TMPDIR")


def read(name: str, default: str = "") -> str:
    """The value of a variable, or `default` if it is not set."""
    return os.environ.get(name, default)


def take(name: str) -> str:
    """The value of a secret, or "". It is removed, so that no program that we start has it, too."""
    return os.environ.pop(name, "")


def outer() -> Mapping[str, str]:
    """The environment `dr` was started in: `$VAR` in an env file is looked up here last."""
    return os.environ


def add(extra: Mapping[str, str]) -> None:
    """Add variables to the environment of this process, and of those that it starts."""
    os.environ.update(extra)


def child(extra: Mapping[str, str]) -> dict[str, str]:
    """The environment of a child process: ours plus `extra`."""
    return {**os.environ, **extra}


def bare() -> dict[str, str]:
    """The environment of a program that is not to be trusted: what a process needs to start, no credentials."""
    return {name: os.environ[name] for name in _NEEDED if name in os.environ}
