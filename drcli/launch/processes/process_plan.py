"""The plan of a run of local processes: programs, their environments and the number of replicas. Pure."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from drcli import env
from drcli.contract.run_name import TRAINER, WORKER, RunKind
from drcli.contract.service_variables import Role, told
from drcli.launch.launcher import RunRequest
from drcli.launch.machine import Snapshot
from drcli.launch.plan import Plan, head_of
from drcli.launch.processes.process_folder import ProcessFolder
from drcli.launch.service_values import (
    evaluation_values,
    reward_processes,
    trainer_threads,
    training_values,
    worker_threads,
)
from drcli.launch.store_access import is_embedded
from drcli.store.store_config import StoreConfig

_MASK = "********"
_PROGRAMS: dict[RunKind, tuple[str, ...]] = {
    "training": ("sagemaker", "robomaker"),
    "evaluation": ("evaluation",),
}


@dataclass(frozen=True)
class Service:
    """One service: its command, its environment and the number of replicas. Replica k has ROLLOUT_IDX=k."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    replicas: int = 1


@dataclass(frozen=True)
class EmbeddedServer:
    """The workspace's own S3 server, which a run needs: root of the workspace, port, bucket."""

    root: str
    port: int
    bucket: str


@dataclass(frozen=True, kw_only=True)
class ProcessPlan(Plan):
    """The services, and the workspace's own S3 server if they need it.

    Services get the secrets through the environment of the supervisor.
    """

    services: tuple[Service, ...]
    store: EmbeddedServer | None = None
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)

    def document(self) -> dict[str, Any]:
        """As plain values, without secrets."""
        payload = asdict(self)
        return super().document() | {name: payload[name] for name in ("services", "store")}

    @classmethod
    def from_document(cls, document: Mapping[str, Any], secrets: Mapping[str, str]) -> Self:
        """The inverse of `document`."""
        services = tuple(Service(**{**s, "command": tuple(s["command"])}) for s in document["services"])
        store = EmbeddedServer(**document["store"]) if document["store"] else None
        return cls(**head_of(document), services=services, store=store, secrets=secrets)

    def describe(self) -> dict[str, Any]:
        """What `--dry-run --json` shows: secrets by name only."""
        hidden = dict.fromkeys(self.secrets, _MASK)
        return {
            "project": self.project,
            "style": self.style,
            "services": {
                service.name: {
                    "command": list(service.command),
                    "environment": {**service.environment, **hidden},
                    "ports": [service.environment[env.DR_WIRE_ENDPOINT]] if service.name == TRAINER else [],
                }
                for service in self.services
            },
            "replicas": {service.name: service.replicas for service in self.services},
        }


def modules_of(kind: RunKind) -> tuple[str, ...]:
    """The modules that are the programs of a run's services."""
    return tuple(f"drcli.services.{program}" for program in _PROGRAMS[kind])


def plan_processes(request: RunRequest, snapshot: Snapshot) -> ProcessPlan:
    """A training is sagemaker and DR_WORKERS robomakers, an evaluation one robomaker."""
    settings, store = request.settings, snapshot.store
    services = (
        _training(request, snapshot) if request.kind == "training" else (_evaluation(request, snapshot),)
    )
    embedded = is_embedded(settings)
    return ProcessPlan(
        **request.head,
        main=services[0].name,
        uses_store=embedded,
        services=services,
        store=EmbeddedServer(str(request.workspace.root), store.port, store.bucket) if embedded else None,
        secrets=secrets_of(store),
    )


def secrets_of(store: StoreConfig) -> dict[str, str]:
    """The secret variables of services: the bucket's key, unless they find it in a profile."""
    secrets = {env.AWS_ACCESS_KEY_ID: store.access_key, env.AWS_SECRET_ACCESS_KEY: store.secret_key}
    return {name: value for name, value in secrets.items() if value is not None}


def _training(request: RunRequest, snapshot: Snapshot) -> tuple[Service, ...]:
    settings, machine = request.settings, snapshot.machine
    folder = ProcessFolder.of(request.workspace, "training", settings.run_id)
    values = (
        training_values(settings, snapshot)
        | _of_this_machine(request, snapshot.store)
        | {
            env.DR_WIRE_ENDPOINT: f"tcp://127.0.0.1:{machine.wire_port}",
            env.DR_WIRE_KEYS: str(folder.wire_keys),
        }
    )
    trainer, worker = modules_of("training")
    threads = {env.DR_THREADS: trainer_threads(settings, machine.cores)}
    own_threads = {
        env.DR_THREADS: worker_threads(settings, machine.cores),
        env.DR_REWARD_PROCESSES: reward_processes(settings, machine.cores),
    }
    return (
        _service(TRAINER, trainer, "trainer", values | threads),
        _service(WORKER, worker, "worker", values | own_threads, settings.workers),
    )


def _evaluation(request: RunRequest, snapshot: Snapshot) -> Service:
    values = evaluation_values(request.settings, snapshot, request.prefix)
    values |= _of_this_machine(request, snapshot.store) | {env.DR_THREADS: "1"}
    (module,) = modules_of("evaluation")
    return _service(WORKER, module, "evaluation", values)


def _service(name: str, module: str, role: Role, values: Mapping[str, str], replicas: int = 1) -> Service:
    command = (sys.executable, "-m", module)
    return Service(name, command, told(role, "process", values), replicas)


def _of_this_machine(request: RunRequest, store: StoreConfig) -> dict[str, str]:
    """Variables that only processes on this machine get."""
    return _credentials(store) | {
        env.S3_ENDPOINT_URL: store.endpoint_url or "",
        env.DR_TRACKS_DIR: str(request.workspace.tracks),
    }


def _credentials(store: StoreConfig) -> dict[str, str]:
    """Variables that select the credentials. Those of the user's shell are cleared unless they are the ones to use."""
    if store.access_key is not None:
        return {env.AWS_PROFILE: "", env.AWS_SESSION_TOKEN: ""}
    if store.profile is not None:
        others = (env.AWS_ACCESS_KEY_ID, env.AWS_SECRET_ACCESS_KEY, env.AWS_SESSION_TOKEN)
        return {env.AWS_PROFILE: store.profile, **dict.fromkeys(others, "")}
    return {}
