"""The environment variables of the services of a stack: who gets each one, and what it means.

Plans and compose files follow this table on the way in (`told`), `drcli.services.shared.environment` on the way out
(`ServiceVariable.read`). Names that the community's containers have are theirs.
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
S3_ENDPOINT_URL = ServiceVariable(env.S3_ENDPOINT_URL, "where the store listens; none: AWS itself", str, "")
AWS_REGION = ServiceVariable(env.AWS_REGION, "the region of the bucket", str, "us-east-1")
AWS_ACCESS_KEY_ID = ServiceVariable(
    env.AWS_ACCESS_KEY_ID, "the key of the bucket; none: boto3 looks for one", str, "", is_secret=True
)
AWS_SECRET_ACCESS_KEY = ServiceVariable(
    env.AWS_SECRET_ACCESS_KEY, "the secret that goes with it", str, "", is_secret=True
)
AWS_SESSION_TOKEN = ServiceVariable(
    env.AWS_SESSION_TOKEN, "the token of a key that holds for some hours", str, "", is_secret=True
)
AWS_PROFILE = ServiceVariable(env.AWS_PROFILE, "the profile with the key", str, "", home="process")
MODEL_PREFIX = ServiceVariable(
    env.MODEL_S3_PREFIX, "the model's prefix in the bucket", str, "", is_required=True
)
PARAMS_FILE = ServiceVariable(env.S3_YAML_NAME, "the params document under it", str, "", is_required=True)
HYPERPARAMETERS_KEY = ServiceVariable(
    env.HYPERPARAMETER_FILE_S3_KEY,
    "hyperparameters.json of the run; the trainer tells the workers",
    str,
    "",
    _TRAINER,
)
MODEL_METADATA_KEY = ServiceVariable(
    env.MODELMETADATA_FILE_S3_KEY,
    "model_metadata.json of the run; none: the one that the params document names",
    str,
    "",
    _TRAINING,
)
CONFIGS = ServiceVariable(
    env.DR_CONFIGS, "how many params documents a multi-config run has; else 1", int, 1, _TRAINING
)
PRETRAINED = ServiceVariable(env.PRETRAINED, "begin with another model's network", truth, False, _TRAINER)
PRETRAINED_PREFIX = ServiceVariable(env.PRETRAINED_S3_PREFIX, "that model's prefix", str, "", _TRAINER)
PRETRAINED_CHECKPOINT = ServiceVariable(
    env.PRETRAINED_CHECKPOINT, "`last` for its last checkpoint, else the best", str, "best", _TRAINER
)
TRACKS_URL = ServiceVariable(env.DR_TRACKS_URL, "where unknown tracks are fetched", str, "")
TRACKS_FOLDER: ServiceVariable[Path | None] = ServiceVariable(
    env.DR_TRACKS_DIR, "the workspace's own tracks", Path, None, home="process"
)

# The run, its size and its end.
RUN_ID = ServiceVariable(env.RUN_ID, "DR_RUN_ID", int, 0)
WORKERS = ServiceVariable(env.DR_WORKERS, "how many workers the trainer waits for", int, 1, _TRAINER)
CARS_PER_WORKER = ServiceVariable(env.DR_CARS_PER_WORKER, "how many cars a worker drives", int, 16, _WORKER)
SEED: ServiceVariable[int | None] = ServiceVariable(
    env.DR_SEED, "what all chance of the run comes from; none: a new one", int, None, _TRAINER
)
MAX_MEMORY_STEPS = ServiceVariable(
    env.MAX_MEMORY_STEPS, "steps of an iteration that are learned from; 0: all", int, 0, _TRAINER
)
STOP_PROGRESS: ServiceVariable[float | None] = ServiceVariable(
    env.DR_TRAIN_STOP_PROGRESS, "evaluation progress in % that ends the run", float, None, _TRAINER
)
MAX_MINUTES: ServiceVariable[float | None] = ServiceVariable(
    env.DR_TRAIN_MAX_MINUTES, "minutes of training that end the run", float, None, _TRAINER
)
EVAL_INTERVAL: ServiceVariable[int | None] = ServiceVariable(
    env.DR_TRAIN_EVAL_INTERVAL, "iterations between evaluations; none: by steps", int, None, _TRAINER
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
    "what the CURVE keys are made of, 64 hex digits",
    str,
    "",
    _TRAINING,
    "container",
    is_secret=True,
)

# Life cycle of one service.
WORKER_INDEX = ServiceVariable(
    env.ROLLOUT_IDX, "the worker's index; -1: the trainer gives one to its name", int, -1
)
WORKER_NAME = ServiceVariable(
    env.DR_WORKER_NAME,
    "what tells workers without an index apart; none: the host's name",
    str,
    "",
    _WORKER,
    "container",
)
THREADS = ServiceVariable(env.DR_THREADS, "threads of this service; 0: one for each core", int, 0)
IS_CONTAINER = ServiceVariable(
    env.DR_CONTAINER,
    "Docker starts this service again when it leaves with another code than 0",
    truth,
    False,
    home="container",
)
HEARTBEAT_FILE: ServiceVariable[Path | None] = ServiceVariable(
    env.DR_HEARTBEAT_FILE,
    "what the service touches while it is healthy; none: a file in /tmp",
    Path,
    None,
    home="container",
)
EXIT_FILE: ServiceVariable[Path | None] = ServiceVariable(
    env.DR_EXIT_FILE, "where the service leaves its exit code for the supervisor", Path, None, home="process"
)

TABLE: tuple[ServiceVariable[Any], ...] = tuple(
    member for member in list(globals().values()) if isinstance(member, ServiceVariable)
)
FIXED: Mapping[str, str] = {
    # Trainer and workers take turns; spinning threads would take the other's core.
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
        raise KeyError(f"no service knows {sorted(unknown)}; missing for a {role}: {sorted(missing)}")
    return {**{v.name: values[v.name] for v in wanted if v.name in values}, **FIXED}
