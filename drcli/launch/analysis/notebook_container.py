"""The community's container of notebooks, as DeepRacer-for-Cloud starts it; one per machine, as there.

It is in the network of the stacks, where it reaches the store; its port is published on this machine only.
"""

from __future__ import annotations

import os
import secrets
import sys
import time
from collections.abc import Iterator
from typing import Any

import docker.errors

from drcli.config.settings import Settings
from drcli.errors import DrError, UsageError
from drcli.launch.analysis import analysis_folder
from drcli.launch.analysis.analysis_environment import Talk
from drcli.launch.analysis.notebook_server import (
    HOST,
    NAME,
    PORT,
    Address,
    bucket_variables,
    url,
)
from drcli.launch.bucket import open_bucket
from drcli.launch.docker import containers, docker_engine, images, stack_network
from drcli.launch.docker.claim import check_owner
from drcli.launch.docker.stack_spec import StackKind
from drcli.paths import Workspace

CONTAINER = "deepracer-analysis"  # as in DeepRacer-for-Cloud
REPOSITORY = "awsdeepracercommunity/deepracer-analysis"
HOME = "/workspace"  # the image's folder of notebooks

_ANALYSIS = "analysis/"
_INSIDE = "8888/tcp"
_TOKEN = "JUPYTER_TOKEN"
_START_DEADLINE_S = 60.0
_POLL_S = 0.5
_ONE_ONLY = "A machine has one: `dr stop-loganalysis` there, or `docker rm -f deepracer-analysis`."


class NotebookContainer:
    """Implements `NotebookServer`. network: whose network the stacks are on."""

    def __init__(self, settings: Settings, workspace: Workspace, network: StackKind) -> None:
        self._settings = settings
        self._workspace = workspace
        self._network = network

    def start(self, port: int | None, talk: Talk) -> Address:
        """Downloads the image if necessary, opens the bucket, prepares the folder. Idempotent."""
        found = _find()
        check_owner(CONTAINER, [found] if found else [], self._workspace.root, _ONE_ONLY)
        if found is not None and found.status == "running":
            if port not in (None, _port(found)):
                raise UsageError(
                    f"{NAME} is already running at port {_port(found)}.",
                    "`dr stop-loganalysis` stops it; then start it again.",
                )
            return Address(_url(found), is_new=False)
        containers.remove([found] if found else [])
        image = image_of(self._settings)
        if not images.exists(image):
            talk.say(f"Downloading {image}.")
            docker_engine.run(["pull", "--quiet", image])
        stack_network.ensure_network(self._network)
        config = open_bucket(self._settings, self._workspace).config
        analysis_folder.prepare(self._settings, self._workspace, talk)
        variables = bucket_variables(self._settings, config, in_container=True)
        _run(image, container_options(self._workspace, variables, PORT if port is None else port))
        return Address(self._wait(), is_new=True)

    def url(self) -> str:
        """Its address with the token; empty if it is not running, or not of this workspace."""
        found = self._own()
        return _url(found) if found is not None and found.status == "running" else ""

    def stop(self) -> bool:
        """Stop and remove it; False if there was none of this workspace."""
        found = self._own()
        containers.end([found] if found else [])
        containers.remove([found] if found else [])
        return found is not None

    def log(self, tail: int, *, follow: bool) -> Iterator[str]:
        """Lines of the container's log."""
        found = self._own()
        if found is None:
            raise DrError(f"{NAME} is not running.", "Start it: `dr start-loganalysis`.")
        return containers.lines(found, tail, (lambda: bool(self.url())) if follow else None)

    def _own(self) -> Any | None:
        found = _find()
        is_own = found is not None and found.labels.get(docker_engine.WORKSPACE) == str(self._workspace.root)
        return found if is_own else None

    def _wait(self) -> str:
        """Its address, once its log says that it serves. Raises DrError if it ends, or says so too late."""
        deadline = time.monotonic() + _START_DEADLINE_S
        while (found := self._own()) is not None and found.status == "running":
            if any("http://" in line for line in [*containers.lines(found)]):
                return _url(found)
            if time.monotonic() > deadline:
                break
            time.sleep(_POLL_S)
        said = list(containers.lines(found, 3)) if found is not None else []
        self.stop()
        raise DrError(f"{NAME} did not start:\n" + "\n".join(said))


def image_of(settings: Settings) -> str:
    """The image for DR_ANALYSIS_IMAGE: a tag of the community's repository, or a full name."""
    setting = settings.analysis_image
    return setting if "/" in setting or ":" in setting else f"{REPOSITORY}:{setting}"


def container_options(workspace: Workspace, variables: dict[str, str], port: int) -> dict[str, Any]:
    """How the container is started, as Docker's Python client takes it; contains secrets."""
    folders = {
        workspace.analysis: f"{HOME}/analysis",
        workspace.logs: f"{HOME}/logs",
        workspace.store: f"{HOME}/minio",
    }
    user = {} if sys.platform == "win32" else {"NB_UID": str(os.getuid()), "NB_GID": str(os.getgid())}
    return {
        "name": CONTAINER,
        "network": stack_network.NAME,
        "ports": {_INSIDE: (HOST, port)},
        "volumes": {str(folder): {"bind": path, "mode": "rw"} for folder, path in folders.items()},
        "environment": {**variables, **user, _TOKEN: secrets.token_urlsafe(24)},
        "labels": {docker_engine.WORKSPACE: str(workspace.root), docker_engine.KIND: "loganalysis"},
    }


def _run(image: str, options: dict[str, Any]) -> None:
    with docker_engine.speaking() as client:
        container = client.containers.create(image, **options)
        try:
            container.start()
        except docker.errors.APIError:
            container.remove(force=True)
            raise


def _find() -> Any | None:
    with docker_engine.speaking() as client:
        try:
            return client.containers.get(CONTAINER)
        except docker.errors.NotFound:
            return None


def _port(container: Any) -> int:
    return int(container.attrs["HostConfig"]["PortBindings"][_INSIDE][0]["HostPort"])


def _url(container: Any) -> str:
    pairs = (pair.partition("=") for pair in container.attrs["Config"]["Env"])
    token = next((value for name, _, value in pairs if name == _TOKEN), "")
    return url(_port(container), token, _ANALYSIS)
