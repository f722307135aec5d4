"""The snapshot for plans of containers: the machine, the Docker engine and the swarm."""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from drcli import env
from drcli.config.settings import Settings
from drcli.launch import machine
from drcli.launch.docker.port_ranges import busy_ports
from drcli.launch.machine import DOCKER_SOCKET, Snapshot
from drcli.paths import Workspace


def look(settings: Settings, workspace: Workspace) -> Snapshot:
    """The snapshot for a Compose project or a Swarm stack. Does not contact the engine."""
    seen = machine.look(settings, workspace)
    version = Path("/proc/version")
    here = replace(
        seen.machine,
        is_wsl=version.is_file() and "microsoft" in version.read_text().lower(),
        docker_socket=_docker_socket(),
        owner=owner(),
        busy_ports=busy_ports(),
    )
    return replace(seen, machine=here)


def owner() -> Mapping[str, str]:
    """Variables for the user that MinIO writes its data as; empty on systems without user ids."""
    if not hasattr(os, "getuid"):
        return dict.fromkeys(("MINIO_UID", "MINIO_GID", "MINIO_USERNAME", "MINIO_GROUPNAME"), "")
    import grp

    gid = os.getgid()
    try:
        group = grp.getgrgid(gid).gr_name
    except KeyError:
        group = str(gid)
    return {
        "MINIO_UID": str(os.getuid()),
        "MINIO_GID": str(gid),
        "MINIO_USERNAME": getpass.getuser(),
        "MINIO_GROUPNAME": group,
    }


def _docker_socket() -> str:
    """The engine's socket. In the virtual machines of Docker Desktop and Colima it has the usual path."""
    host = env.read(env.DOCKER_HOST)
    is_own = sys.platform == "linux" and host.startswith("unix://")
    return host.removeprefix("unix://") if is_own else DOCKER_SOCKET
