"""The Plan of a stack: services, commands, environment, replicas. Pure; launchers carry it out.

Secrets are kept apart from the rest: what is printed or written to a run folder has none.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from drcli import env
from drcli.store.access import is_embedded
from drcli.store.keys import ModelKeys

if TYPE_CHECKING:
    from drcli.config.settings import Settings
    from drcli.paths import Workspace
    from drcli.store.client import StoreConfig

Kind = Literal["training", "evaluation"]
KINDS: tuple[Kind, ...] = ("training", "evaluation")


@dataclass(frozen=True)
class Service:
    """One service: what to start, how often, with which environment. Replica k has ROLLOUT_IDX=k."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    replicas: int = 1


@dataclass(frozen=True)
class EmbeddedStore:
    """The workspace's own S3 server, which a stack relies on: root of the workspace, port, bucket."""

    root: str
    port: int
    bucket: str


@dataclass(frozen=True)
class Plan:
    """Everything that a launcher needs to start a stack."""

    kind: Kind
    run_id: int
    prefix: str
    world_name: str
    style: str
    services: tuple[Service, ...]
    store: EmbeddedStore | None = None
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def project(self) -> str:
        """The stack's name, as DeepRacer-for-Cloud has it."""
        return f"deepracer-{self.run_id}" if self.kind == "training" else f"deepracer-eval-{self.run_id}"

    def document(self) -> dict[str, Any]:
        """The plan without secrets, as plain values."""
        document = asdict(self)
        del document["secrets"]
        return document

    @classmethod
    def from_document(cls, document: dict[str, Any], secrets: Mapping[str, str]) -> Plan:
        """The inverse of `document`."""
        services = tuple(Service(**{**s, "command": tuple(s["command"])}) for s in document["services"])
        store = EmbeddedStore(**document["store"]) if document["store"] else None
        return cls(**{**document, "services": services, "store": store}, secrets=secrets)

    def describe(self) -> dict[str, Any]:
        """What `--dry-run --json` shows: secrets by name only."""
        hidden = dict.fromkeys(self.secrets, "********")
        return {
            "project": self.project,
            "style": self.style,
            "services": {
                s.name: {
                    "command": list(s.command),
                    "environment": {**s.environment, **hidden},
                    "replicas": s.replicas,
                }
                for s in self.services
            },
        }


@dataclass(frozen=True)
class Place:
    """Where the services of a process stack find each other."""

    wire_endpoint: str
    wire_keys: str
    cores: int


def plan_training(settings: Settings, workspace: Workspace, store: StoreConfig, place: Place) -> Plan:
    """The stack of a training: sagemaker and DR_WORKERS robomakers, as local processes."""
    workers, own = settings.workers, ModelKeys(settings.local_s3_model_prefix)
    shared = _shared(settings, workspace, store, settings.local_s3_training_params_file) | {
        env.DR_WIRE_ENDPOINT: place.wire_endpoint,
        env.DR_WIRE_KEYS: place.wire_keys,
        env.DR_WORKERS: str(workers),
        env.DR_CARS_PER_WORKER: str(settings.cars_per_worker),
        # The run's own copies: another run may change what is under DR_LOCAL_S3_CUSTOM_FILES_PREFIX meanwhile.
        env.HYPERPARAMETER_FILE_S3_KEY: own.hyperparameters,
        env.MODELMETADATA_FILE_S3_KEY: own.model_metadata,
    }
    trainer = shared | {
        env.PRETRAINED: str(settings.local_s3_pretrained),
        env.PRETRAINED_S3_PREFIX: settings.local_s3_pretrained_prefix,
        env.PRETRAINED_CHECKPOINT: settings.local_s3_pretrained_checkpoint,
        env.MAX_MEMORY_STEPS: _text(settings.train_max_steps_per_iteration),
        env.DR_SEED: _text(settings.seed),
        env.DR_TRAIN_STOP_PROGRESS: _text(settings.train_stop_progress),
        env.DR_TRAIN_MAX_MINUTES: _text(settings.train_max_minutes),
        env.DR_TRAIN_EVAL_INTERVAL: _text(settings.train_eval_interval),
        env.DR_THREADS: str(max(1, place.cores - workers)),
    }
    services = (
        Service("sagemaker", _python("sagemaker"), trainer),
        Service("robomaker", _python("robomaker"), shared | {env.DR_THREADS: "1"}, replicas=workers),
    )
    return _plan("training", settings, services, workspace, store)


def plan_evaluation(settings: Settings, workspace: Workspace, store: StoreConfig, prefix: str) -> Plan:
    """The stack of an evaluation: one robomaker."""
    environment = _shared(settings, workspace, store, settings.local_s3_eval_params_file) | {
        env.MODEL_S3_PREFIX: prefix,
        env.DR_THREADS: "1",
    }
    services = (Service("robomaker", _python("evaluation"), environment),)
    return _plan("evaluation", settings, services, workspace, store)


def _plan(
    kind: Kind, settings: Settings, services: tuple[Service, ...], workspace: Workspace, store: StoreConfig
) -> Plan:
    embedded = EmbeddedStore(str(workspace.root), settings.store_port, store.bucket)
    return Plan(
        kind=kind,
        run_id=settings.run_id,
        prefix=services[0].environment[env.MODEL_S3_PREFIX],
        world_name=settings.world_name,
        style=settings.docker_style,
        services=services,
        store=embedded if is_embedded(settings) else None,
        secrets=secrets_of(store),
    )


def secrets_of(store: StoreConfig) -> dict[str, str]:
    """What services are told in private: the key of the bucket, unless they find it in a profile."""
    secrets = {env.AWS_ACCESS_KEY_ID: store.access_key, env.AWS_SECRET_ACCESS_KEY: store.secret_key}
    return {name: value for name, value in secrets.items() if value is not None}


def _shared(settings: Settings, workspace: Workspace, store: StoreConfig, params_file: str) -> dict[str, str]:
    return _credentials(store) | {
        env.MODEL_S3_BUCKET: store.bucket,
        env.MODEL_S3_PREFIX: settings.local_s3_model_prefix,
        env.S3_YAML_NAME: params_file,
        env.S3_ENDPOINT_URL: store.endpoint_url or "",
        env.AWS_REGION: store.region,
        env.RUN_ID: str(settings.run_id),
        env.DR_TRACKS_URL: settings.tracks_url,
        env.DR_TRACKS_DIR: str(workspace.tracks),
        # Trainer and workers take turns; threads that spin would steal the other's core.
        "OMP_WAIT_POLICY": "PASSIVE",
        "PYTHONUNBUFFERED": "1",
    }


def _credentials(store: StoreConfig) -> dict[str, str]:
    """Whose credentials hold. Those of the user's shell are put out of the way unless they are what is meant."""
    if store.access_key is not None:
        return {env.AWS_PROFILE: "", env.AWS_SESSION_TOKEN: ""}
    if store.profile is not None:
        others = (env.AWS_ACCESS_KEY_ID, env.AWS_SECRET_ACCESS_KEY, env.AWS_SESSION_TOKEN)
        return {env.AWS_PROFILE: store.profile, **dict.fromkeys(others, "")}
    return {}


def _python(service: str) -> tuple[str, ...]:
    return (sys.executable, "-m", f"drcli.services.{service}")


def _text(value: object) -> str:
    return "" if value is None else str(value)
