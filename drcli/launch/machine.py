"""What plans depend on besides settings: this machine, inspected once, so that planning itself is pure."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from drcli import env
from drcli.config.settings import Settings
from drcli.errors import DrError
from drcli.launch.store_access import services_endpoint, store_config
from drcli.local import free_port
from drcli.paths import Workspace
from drcli.store.credentials import credentials
from drcli.store.store_config import StoreConfig

Credentials = Mapping[str, str] | None  # AWS_… variables; None on machines that have an IAM role

DOCKER_SOCKET = "/var/run/docker.sock"


@dataclass(frozen=True)
class Machine:
    """This machine and the Docker engine that it uses.

    owner: variables for the user that MinIO writes its data as; display, xauthority: of the X server;
    has_ip_vs: whether the engine's kernel has IP_VS; worker_nodes: how many nodes of a swarm may run workers;
    busy_ports: those of the loopback interface that containers' pictures cannot have, as somebody listens there.
    """

    cores: int = 1
    wire_port: int = 5555  # free on the loopback interface
    has_ip_vs: bool = True
    is_wsl: bool = False
    docker_socket: str = DOCKER_SOCKET
    display: str = ""
    xauthority: str = "/root/.Xauthority"
    worker_nodes: int = 1
    owner: Mapping[str, str] = field(default_factory=dict)
    busy_ports: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Snapshot:
    """Everything that planning needs to know about the current state.

    store: how commands reach the bucket; endpoint: where services do, None for AWS itself; credentials: the keys of
    containers for it; wire_secret: a new one in each snapshot; missing: errors that prevent a start, but not a dry run.
    """

    machine: Machine
    store: StoreConfig
    endpoint: str | None
    credentials: Credentials = field(default_factory=dict, repr=False)
    wire_secret: str = field(default="", repr=False)
    missing: tuple[DrError, ...] = ()


def look(settings: Settings, workspace: Workspace) -> Snapshot:
    """What every style needs. Contacts neither Docker nor the store, and changes nothing."""
    machine = Machine(
        cores=os.cpu_count() or 1,
        wire_port=free_port(),
        display=env.read(env.DISPLAY),
        xauthority=env.read(env.XAUTHORITY) or str(Path.home() / ".Xauthority"),
    )
    missing: tuple[DrError, ...] = ()
    store = StoreConfig(settings.local_s3_bucket, access_key="", secret_key="")
    keys: Credentials = {env.AWS_ACCESS_KEY_ID: "", env.AWS_SECRET_ACCESS_KEY: ""}
    try:
        store = store_config(settings, workspace)
        keys = credentials(store)
    except DrError as error:
        missing = (error,)
    endpoint = services_endpoint(settings, store)
    return Snapshot(
        machine, store, endpoint, credentials=keys, wire_secret=secrets.token_hex(32), missing=missing
    )
