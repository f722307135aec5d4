"""The Docker engine of this machine: the client, and the programs `docker compose` and `docker stack`.

The only module that looks for Docker; its errors say what is missing and how to fix that.
"""

from __future__ import annotations

import getpass
import shutil
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache

import docker
import docker.errors
import requests

from drcli import env
from drcli.errors import DrError
from drcli.launch import local_process
from drcli.launch.local_process import Finished

# Labels of everything that we create.
WORKSPACE = "drcli.workspace"
KIND = "drcli.kind"
RUN_ID = "drcli.run_id"
PREFIX = "drcli.prefix"
# Labels that Docker itself sets.
COMPOSE_PROJECT = "com.docker.compose.project"
COMPOSE_SERVICE = "com.docker.compose.service"
COMPOSE_NUMBER = "com.docker.compose.container-number"
SWARM_STACK = "com.docker.stack.namespace"


@cache
def client() -> docker.DockerClient:
    """The client of the engine. Raises DrError if Docker is not installed, not running, or not accessible."""
    host = _host()
    try:
        _knock(host)
        found = docker.DockerClient(base_url=host, timeout=120) if host else docker.from_env(timeout=120)
        found.ping()
    except (docker.errors.DockerException, requests.RequestException, OSError) as error:
        raise _why_not(error, host) from None
    return found


@contextmanager
def speaking() -> Iterator[docker.DockerClient]:
    """The client of the engine; errors of the engine become a DrError with its message."""
    try:
        yield client()
    except docker.errors.APIError as error:
        raise DrError(f"Docker refused: {error.explanation or error}") from None
    except requests.RequestException as error:
        raise DrError(f"The connection to the Docker engine was lost: {error}", _START) from None


def check_compose() -> None:
    """Raises DrError unless `docker compose` is version 2."""
    if run(["compose", "version", "--short"], check=False).code == 0:
        return
    if shutil.which("docker-compose"):
        raise DrError(
            "Only Docker Compose version 1 is installed, which is no longer maintained.",
            "Install the plugin: `sudo apt install docker-compose-v2`, or docker-compose-plugin.",
        )
    raise DrError(
        "Docker's `compose` plugin is not installed.",
        "Install the plugin: `sudo apt install docker-compose-v2`, or docker-compose-plugin.",
    )


def run(
    arguments: Sequence[str],
    environment: Mapping[str, str] | None = None,
    *,
    check: bool = True,
    text: str = "",
) -> Finished:
    """Run `docker ARGUMENTS`. Raises DrError if Docker is not installed, and with `check` if the command fails."""
    try:
        done = local_process.run(["docker", *arguments], environment, text)
    except FileNotFoundError:
        raise DrError("Docker is not installed.", _INSTALL) from None
    if check and done.code:
        raise DrError(f"`docker {' '.join(arguments[:2])}` failed: {done.last_words}")
    return done


def lines(arguments: Sequence[str], goes_on: Callable[[], bool] | None = None) -> Iterator[str]:
    """The output of `docker ARGUMENTS`, line by line as it appears; with `goes_on` only while it returns True."""
    return local_process.lines(["docker", *arguments], goes_on)


_INSTALL = "See docs.docker.com/engine/install; or use DR_DOCKER_STYLE=process, which needs no Docker."
_START = "Start it: `sudo systemctl start docker`, or Docker Desktop; or use DR_DOCKER_STYLE=process."


def _host() -> str:
    """The engine that `docker` itself would use; empty: the default."""
    if env.read("DOCKER_HOST") or not shutil.which("docker"):
        return ""
    shown = local_process.run(["docker", "context", "inspect", "--format", "{{.Endpoints.docker.Host}}"])
    return shown.stdout.strip() if shown.code == 0 else ""


def _knock(host: str) -> None:
    """Raises OSError if no engine listens on this socket. Docker's own client would leave its socket open."""
    from docker.utils import parse_host

    address = str(parse_host(host or env.read("DOCKER_HOST")))  # typed as bytes, which it is not
    if address.startswith("http+unix://"):
        with socket.socket(socket.AF_UNIX) as door:
            door.connect("/" + address.removeprefix("http+unix://").lstrip("/"))


def _why_not(error: Exception, host: str) -> DrError:
    text = str(error)
    if "PermissionError" in text or "permission denied" in text.lower():
        return DrError(
            f"{getpass.getuser()} is not allowed to use Docker.",
            f"`sudo usermod -aG docker {getpass.getuser()}`, then log out and in again.",
        )
    if not shutil.which("docker"):
        return DrError("Docker is not installed.", _INSTALL)
    where = f" at {host}" if host else ""
    return DrError(f"The Docker engine does not respond{where}.", _START)
