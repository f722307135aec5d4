"""The environment variables of the services of a stack: which services get each one, and what it means.

Plans and compose files set the variables by this table (`told`), `drcli.services.shared.environment` reads them by it
(`ServiceVariable.read`). Variables that the community's containers also have keep their names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

from drcli import env
from drcli.errors import DrError

Role = Literal["trainer", "worker", "evaluation"]
Home = Literal["process", "container"]  # supervised by our supervisor, or by Docker
Value = TypeVar("Value")

_ALL: frozenset[Role] = frozenset(("trainer", "worker", "evaluation"))
_TRAINING: frozenset[Role] = frozenset(("trainer", "worker"))
_TRAINER: frozenset[Role] = frozenset(("trainer",))
_WORKER: frozenset[Role] = frozenset(("worker",))
_DRIVING: frozenset[Role] = frozenset(("worker", "evaluation"))
_HINT = "Start it with `dr start-training` or `dr evaluate`."


@dataclass(frozen=True)
class ServiceVariable(Generic[Value]):
    """One variable: `parse` converts its text (ValueError if invalid); an empty text means `default`.

    roles: the services that get it; home: None for both; is_secret: never on a command line or in a file;
    is_required: a service cannot start without it.
    """

    name: str
    meaning: str
    parse: Callable[[str], Value]
    default: Value
    roles: frozenset[Role] = _ALL
    home: Home | None = None
    is_secret: bool = False
    is_required: bool = False

    def read(self) -> Value:
        """Read it from this process's environment. Raises DrError if it is missing or invalid."""
        text = env.read(self.name)
        if not text:
            if self.is_required:
                raise DrError(f"The service was started without {self.name}.", _HINT)
            return self.default
        try:
            return self.parse(text)
        except ValueError:
            raise DrError(f"{self.name} is {text!r}, not {_KINDS[self.parse]}.", _HINT) from None


def truth(text: str) -> bool:
    """Parse a boolean like the community's trainer."""
    return text.lower() in ("true", "yes", "t", "1")


_KINDS: dict[Callable[[str], Any], str] = {
    str: "a text", int: "a whole number", float: "a number", Path: "a path", truth: "true or false",
}  # fmt: skip


# The bucket, and the documents of the run in it.
S3_BUCKET = ServiceVariable(env.MODEL_S3_BUCKET, "the bucket", str, "", is_required=True)
S3_ENDPOINT_URL = ServiceVariable(env.S3_ENDPOINT_URL, "the address of the store; empty: AWS itself", str, "")
AWS_REGION = ServiceVariable(env.AWS_REGION, "the region of the bucket", str, "us-east-1")
AWS_ACCESS_KEY_ID = ServiceVariable(
    env.AWS_ACCESS_KEY_ID,
    "the access key for the bucket; empty: boto3 looks for one",
    str,
    "",
    is_secret=True,
)
AWS_SECRET_ACCESS_KEY = ServiceVariable(
    env.AWS_SECRET_ACCESS_KEY, "the secret that goes with it", str, "", is_secret=True
)
AWS_SESSION_TOKEN = ServiceVariable(
    env.AWS_SESSION_TOKEN, "the session token of a temporary access key", str, "", is_secret=True
)
AWS_PROFILE = ServiceVariable(env.AWS_PROFILE, "the profile with the key", str, "", home="process")
MODEL_PREFIX = ServiceVariable(
    env.MODEL_S3_PREFIX, "the model's prefix in the bucket", str, "", is_required=True
)
PARAMS_FILE = ServiceVariable(env.S3_YAML_NAME, "the params document under it", str, "", is_required=True)
HYPERPARAMETERS_KEY = ServiceVariable(
    env.HYPERPARAMETER_FILE_S3_KEY,
    "hyperparameters.json of the run; the trainer passes them to the workers",
    str,
    "",
    _TRAINER,
)
MODEL_METADATA_KEY = ServiceVariable(
    env.MODELMETADATA_FILE_S3_KEY,
    "model_metadata.json of the run; empty: the one that the params document names",
    str,
    "",
    _TRAINING,
)
CONFIGS = ServiceVariable(
    env.DR_CONFIGS, "how many params documents a multi-config run has; else 1", int, 1, _TRAINING
)
PRETRAINED = ServiceVariable(env.PRETRAINED, "start from another model's network", truth, False, _TRAINER)
PRETRAINED_PREFIX = ServiceVariable(env.PRETRAINED_S3_PREFIX, "that model's prefix", str, "", _TRAINER)
PRETRAINED_CHECKPOINT = ServiceVariable(
    env.PRETRAINED_CHECKPOINT, "its `last` or `fastest` checkpoint, else the best", str, "best", _TRAINER
)
TRACKS_URL = ServiceVariable(env.DR_TRACKS_URL, "where unknown tracks are downloaded from", str, "")
TRACKS_FOLDER: ServiceVariable[Path | None] = ServiceVariable(
    env.DR_TRACKS_DIR, "the workspace's own tracks", Path, None, home="process"
)

# The run, its size and its end.
RUN_ID = ServiceVariable(env.RUN_ID, "DR_RUN_ID", int, 0)
WORKERS = ServiceVariable(env.DR_WORKERS, "how many workers the trainer waits for", int, 1, _TRAINER)
CARS_PER_WORKER = ServiceVariable(env.DR_CARS_PER_WORKER, "how many cars a worker drives", int, 16, _WORKER)
REWARD_PROCESSES = ServiceVariable(
    env.DR_REWARD_PROCESSES, "processes for slow rewards; 0: one for each core", int, 0, _WORKER
)
SEED: ServiceVariable[int | None] = ServiceVariable(
    env.DR_SEED, "the random seed of the run; empty: a new one", int, None, _TRAINER
)
MAX_MEMORY_STEPS = ServiceVariable(
    env.MAX_MEMORY_STEPS, "maximum number of steps per iteration to learn from; 0: all", int, 0, _TRAINER
)
METHOD = ServiceVariable(env.DR_TRAIN_METHOD, "how it learns: `pixels` or `guided`", str, "pixels", _TRAINER)
TEACHER_STEPS = ServiceVariable(
    env.DR_TRAIN_TEACHER_STEPS, "steps within which a teacher must pass", int, 200_000, _TRAINER
)
TEACHER_FALLBACK = ServiceVariable(
    env.DR_TRAIN_TEACHER_FALLBACK, "if it does not: `pixels`, or `stop`", str, "pixels", _TRAINER
)
TF_CHECKPOINTS = ServiceVariable(
    env.DR_TRAIN_TF_CHECKPOINTS, "also write checkpoints for TensorFlow", truth, False, _TRAINER
)
STOP_PROGRESS: ServiceVariable[float | None] = ServiceVariable(
    env.DR_TRAIN_STOP_PROGRESS, "evaluation progress in % that ends the run", float, None, _TRAINER
)
MAX_MINUTES: ServiceVariable[float | None] = ServiceVariable(
    env.DR_TRAIN_MAX_MINUTES, "minutes of training that end the run", float, None, _TRAINER
)
EVAL_INTERVAL: ServiceVariable[int | None] = ServiceVariable(
    env.DR_TRAIN_EVAL_INTERVAL, "iterations between evaluations; empty: by steps", int, None, _TRAINER
)

# Who else is told how it goes.
TELEGRAF_HOST = ServiceVariable(
    env.TELEGRAF_HOST, "where results of episodes are sent; empty: nowhere", str, ""
)
TELEGRAF_PORT = ServiceVariable(env.TELEGRAF_PORT, "its UDP port", int, 8092)
METRICS_PORT = ServiceVariable(
    env.DR_METRICS_PORT, "where Prometheus reads metrics: the run's first port; 0: nowhere", int, 0, _TRAINING
)
TENSORBOARD = ServiceVariable(
    env.DR_TENSORBOARD, "also write event files for TensorBoard", truth, False, _TRAINER
)

# The wire between trainer and workers.
WIRE_ENDPOINT = ServiceVariable(
    env.DR_WIRE_ENDPOINT, "where the trainer listens, e.g. tcp://127.0.0.1:5555", str, "", _TRAINING
)
WIRE_KEYS_FILE: ServiceVariable[Path | None] = ServiceVariable(
    env.DR_WIRE_KEYS, "the file with the CURVE keys of the run", Path, None, _TRAINING, "process"
)
WIRE_SECRET = ServiceVariable(
    env.DR_WIRE_SECRET,
    "what the CURVE keys are derived from, 64 hex digits",
    str,
    "",
    _TRAINING,
    "container",
    is_secret=True,
)

# Life cycle of one service.
WORKER_INDEX = ServiceVariable(
    env.ROLLOUT_IDX, "the worker's index; -1: the trainer assigns one to its name", int, -1
)
WORKER_NAME = ServiceVariable(
    env.DR_WORKER_NAME,
    "what distinguishes workers without an index; empty: the host's name",
    str,
    "",
    _WORKER,
    "container",
)
THREADS = ServiceVariable(env.DR_THREADS, "threads of this service; 0: one for each core", int, 0)
IS_CONTAINER = ServiceVariable(
    env.DR_CONTAINER,
    "Docker restarts this service if its exit code is not 0",
    truth,
    False,
    home="container",
)
HEARTBEAT_FILE: ServiceVariable[Path | None] = ServiceVariable(
    env.DR_HEARTBEAT_FILE,
    "the file that the service touches while it is healthy; empty: one in /tmp",
    Path,
    None,
    home="container",
)
REWARD_LOG_FOLDER: ServiceVariable[Path | None] = ServiceVariable(
    env.DR_REWARD_LOG_DIR,
    "where a file keeps all that the reward function prints; empty: only the worker's log has some of it",
    Path,
    None,
    _WORKER,
)
CAMERA_PORT = ServiceVariable(
    env.DR_CAMERA_PORT, "the first port tried for live pictures; 0: none", int, 0, _DRIVING
)
CAMERA_FILE: ServiceVariable[Path | None] = ServiceVariable(
    env.DR_CAMERA_FILE, "where the worker writes the port that it has found", Path, None, _DRIVING, "process"
)
EXIT_FILE: ServiceVariable[Path | None] = ServiceVariable(
    env.DR_EXIT_FILE, "where the service writes its exit code for the supervisor", Path, None, home="process"
)

TABLE: tuple[ServiceVariable[Any], ...] = tuple(
    member for member in list(globals().values()) if isinstance(member, ServiceVariable)
)
FIXED: Mapping[str, str] = {
    # Trainer and workers take turns; spinning threads would occupy the other's core.
    "OMP_WAIT_POLICY": "PASSIVE",
    "PYTHONUNBUFFERED": "1",
}


def variables(role: Role, home: Home) -> tuple[ServiceVariable[Any], ...]:
    """The variables of a service with that role and home."""
    return tuple(v for v in TABLE if role in v.roles and v.home in (None, home))


def told(role: Role, home: Home, values: Mapping[str, str]) -> dict[str, str]:
    """The environment of a service with that role: its variables among `values`, and FIXED.

    Variables of other roles are left out. Raises KeyError for a missing required variable or an unknown name.
    """
    unknown = values.keys() - {variable.name for variable in TABLE}
    wanted = variables(role, home)
    missing = {variable.name for variable in wanted if variable.is_required and not values.get(variable.name)}
    if unknown or missing:
        raise KeyError(f"no service reads {sorted(unknown)}; missing for a {role}: {sorted(missing)}")
    return {**{v.name: values[v.name] for v in wanted if v.name in values}, **FIXED}
