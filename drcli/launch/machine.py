"""What plans depend on besides settings: this machine, looked at once before planning, which is pure from then on."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from drcli import env
from drcli.config.settings import Settings
from drcli.errors import DrError
from drcli.local import free_port
from drcli.paths import Workspace
from drcli.store.access import store_config
from drcli.store.client import StoreConfig

Credentials = Mapping[str, str] | None  # AWS_… variables; None where the machines have a role

DOCKER_SOCKET = "/var/run/docker.sock"


@dataclass(frozen=True)
class Machine:
    """This machine, and the engine that it uses for containers.

    owner: the user as whom MinIO writes its data, as variables; display, xauthority: of the X server;
    has_ip_vs: whether the engine's kernel balances load; worker_nodes: how many nodes of a swarm may run workers.
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


@dataclass(frozen=True)
class Snapshot:
    """All that planning needs to know of the moment.

    store: how this machine reaches the bucket; credentials: with which keys containers do; wire_secret: new with
    each snapshot; missing: what a start would be refused for, and a plan can be shown without.
    """

    machine: Machine
    store: StoreConfig
    credentials: Credentials = field(default_factory=dict, repr=False)
    wire_secret: str = field(default="", repr=False)
    missing: tuple[DrError, ...] = ()


def look(settings: Settings, workspace: Workspace) -> Snapshot:
    """What every style needs. Asks no engine and no server, and changes nothing."""
    machine = Machine(
        cores=os.cpu_count() or 1,
        wire_port=free_port(),
        display=env.read(env.DISPLAY),
        xauthority=env.read(env.XAUTHORITY) or str(Path.home() / ".Xauthority"),
    )
    missing: tuple[DrError, ...] = ()
    try:
        store = store_config(settings, workspace)
    except DrError as error:
        store, missing = StoreConfig(settings.local_s3_bucket, access_key="", secret_key=""), (error,)
    return Snapshot(machine, store, wire_secret=secrets.token_hex(32), missing=missing)
