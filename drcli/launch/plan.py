"""The Plan of a stack: what to start, with which environment, how often. Pure; launchers carry it out.

A process stack has commands; a stack of containers has a `StackSpec`: compose files and what their variables stand
for. Secrets are kept apart from the rest: what is printed or written to a run folder has none.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from drcli import env
from drcli.contract.keys import ModelKeys
from drcli.launch.docker.stack_spec import StackSpec
from drcli.store.access import is_embedded

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
    services: tuple[Service, ...] = ()
    store: EmbeddedStore | None = None
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    spec: StackSpec | None = None
    main: str = "sagemaker"  # when this service ends, the run has ended
    image: str = ""
    uses_minio: bool = False
    is_ours: bool = True  # our engine, which reports its progress; else another's

    @property
    def project(self) -> str:
        """The stack's name, as DeepRacer-for-Cloud has it."""
        return f"deepracer-{self.run_id}" if self.kind == "training" else f"deepracer-eval-{self.run_id}"

    @property
    def uses_store(self) -> bool:
        """Whether the workspace's own store has to run for it."""
        return self.store is not None or self.uses_minio

    def document(self) -> dict[str, Any]:
        """The plan without secrets, as plain values."""
        document = asdict(replace(self, spec=None))
        del document["secrets"]
        return document | {
            "spec": self.spec.to_document() if self.spec else None,
            "uses_store": self.uses_store,
        }

    @classmethod
    def from_document(cls, document: dict[str, Any], secrets: Mapping[str, str]) -> Plan:
        """The inverse of `document`."""
        services = tuple(Service(**{**s, "command": tuple(s["command"])}) for s in document["services"])
        document = {name: value for name, value in document.items() if name != "uses_store"}
        store = EmbeddedStore(**document["store"]) if document["store"] else None
        spec = StackSpec.from_document(document["spec"], secrets) if document.get("spec") else None
        return cls(**{**document, "services": services, "store": store, "spec": spec}, secrets=secrets)

    def describe(self) -> dict[str, Any]:
        """What `--dry-run --json` shows of a process stack: secrets by name only."""
        hidden = dict.fromkeys(self.secrets, "********")
        ports = {"sagemaker": [self.services[0].environment.get(env.DR_WIRE_ENDPOINT, "")]}
        return {
            "project": self.project,
            "style": self.style,
            "services": {
                s.name: {
                    "command": list(s.command),
                    "environment": {**s.environment, **hidden},
                    "ports": ports.get(s.name, []),
                }
                for s in self.services
            },
            "replicas": {s.name: s.replicas for s in self.services},
        }


def describe(plan: Plan, settings: Settings, workspace: Workspace) -> list[dict[str, Any]]:
    """The stacks that a plan would start, with that of the store; secrets masked."""
    if plan.spec is None:
        return [plan.describe()]
    from drcli.launch.docker import container_plans

    return container_plans.describe_stacks(plan, settings, workspace)


@dataclass(frozen=True)
class Place:
    """Where the services of a process stack find each other."""

    wire_endpoint: str
    wire_keys: str
    cores: int


def plan_training(settings: Settings, workspace: Workspace, store: StoreConfig, place: Place) -> Plan:
    """The stack of a training: sagemaker and DR_WORKERS robomakers, as local processes."""
    workers = settings.workers
    local = _local(settings, workspace, store) | {
        env.DR_WIRE_ENDPOINT: place.wire_endpoint,
        env.DR_WIRE_KEYS: place.wire_keys,
    }
    worker = worker_environment(settings, store) | local | {env.DR_THREADS: "1"}
    trainer = trainer_environment(settings, store) | local
    services = (
        Service(
            "sagemaker",
            _python("sagemaker"),
            trainer | {env.DR_THREADS: trainer_threads(settings, place.cores)},
        ),
        Service("robomaker", _python("robomaker"), worker, replicas=workers),
    )
    return _plan("training", settings, services, workspace, store)


def plan_evaluation(settings: Settings, workspace: Workspace, store: StoreConfig, prefix: str) -> Plan:
    """The stack of an evaluation: one robomaker, as a local process."""
    environment = evaluation_environment(settings, store, prefix) | _local(settings, workspace, store)
    services = (Service("robomaker", _python("evaluation"), environment | {env.DR_THREADS: "1"}),)
    return _plan("evaluation", settings, services, workspace, store)


def trainer_environment(settings: Settings, store: StoreConfig) -> dict[str, str]:
    """What our trainer is told, in any style."""
    return worker_environment(settings, store) | {
        env.PRETRAINED: str(settings.local_s3_pretrained),
        env.PRETRAINED_S3_PREFIX: settings.local_s3_pretrained_prefix,
        env.PRETRAINED_CHECKPOINT: settings.local_s3_pretrained_checkpoint,
        env.MAX_MEMORY_STEPS: _text(settings.train_max_steps_per_iteration),
        env.DR_SEED: _text(settings.seed),
        env.DR_TRAIN_STOP_PROGRESS: _text(settings.train_stop_progress),
        env.DR_TRAIN_MAX_MINUTES: _text(settings.train_max_minutes),
        env.DR_TRAIN_EVAL_INTERVAL: _text(settings.train_eval_interval),
    }


def worker_environment(settings: Settings, store: StoreConfig) -> dict[str, str]:
    """What our workers are told, in any style."""
    own = ModelKeys(settings.local_s3_model_prefix)
    return _shared(
        settings, store, settings.local_s3_model_prefix, settings.local_s3_training_params_file
    ) | {
        env.DR_WORKERS: str(settings.workers),
        env.DR_CARS_PER_WORKER: str(settings.cars_per_worker),
        env.DR_CONFIGS: str(settings.workers if settings.train_multi_config else 1),
        # The run's own copies: another run may change what is under DR_LOCAL_S3_CUSTOM_FILES_PREFIX meanwhile.
        env.HYPERPARAMETER_FILE_S3_KEY: own.hyperparameters,
        env.MODELMETADATA_FILE_S3_KEY: own.model_metadata,
    }


def evaluation_environment(settings: Settings, store: StoreConfig, prefix: str) -> dict[str, str]:
    """What our evaluation is told, in any style."""
    return _shared(settings, store, prefix, settings.local_s3_eval_params_file)


def trainer_threads(settings: Settings, cores: int) -> str:
    """Each worker has a core of its own, as far as there are any."""
    return str(max(1, cores - settings.workers))


def _plan(
    kind: Kind, settings: Settings, services: tuple[Service, ...], workspace: Workspace, store: StoreConfig
) -> Plan:
    port = urlsplit(store.endpoint_url or "").port or 0
    embedded = EmbeddedStore(str(workspace.root), port, store.bucket)
    return Plan(
        kind=kind,
        run_id=settings.run_id,
        prefix=services[0].environment[env.MODEL_S3_PREFIX],
        world_name=settings.world_name,
        style=settings.docker_style,
        services=services,
        store=embedded if is_embedded(settings) else None,
        secrets=secrets_of(store),
        main=services[0].name,
    )


def secrets_of(store: StoreConfig) -> dict[str, str]:
    """What services are told in private: the key of the bucket, unless they find it in a profile."""
    secrets = {env.AWS_ACCESS_KEY_ID: store.access_key, env.AWS_SECRET_ACCESS_KEY: store.secret_key}
    return {name: value for name, value in secrets.items() if value is not None}


def _shared(settings: Settings, store: StoreConfig, prefix: str, params_file: str) -> dict[str, str]:
    return {
        env.MODEL_S3_BUCKET: store.bucket,
        env.MODEL_S3_PREFIX: prefix,
        env.S3_YAML_NAME: params_file,
        env.S3_ENDPOINT_URL: settings.store_endpoint_url or "",
        env.AWS_REGION: store.region,
        env.RUN_ID: str(settings.run_id),
        env.DR_TRACKS_URL: settings.tracks_url,
    }


def _local(settings: Settings, workspace: Workspace, store: StoreConfig) -> dict[str, str]:
    """What only processes of this machine are told."""
    return _credentials(store) | {
        env.S3_ENDPOINT_URL: store.endpoint_url or "",
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
