"""MinIO, the store for stacks of containers: a separate Compose project on this machine, for both Compose and Swarm.

Its data are in the workspace. Its key is random, in a file that only the user can read, unless the user names a profile
or a key.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

from drcli.config.settings import Settings
from drcli.errors import DrError
from drcli.launch import log_files
from drcli.launch.docker import containers, diagnosis, docker_engine, images, stack_network
from drcli.launch.docker.claim import check_owner
from drcli.launch.docker.docker_machine import owner
from drcli.launch.docker.image_checks import check_image
from drcli.launch.docker.minio_spec import minio_spec
from drcli.launch.docker.stack_programs import compose_up
from drcli.launch.docker.stack_spec import StackKind, StackSpec
from drcli.launch.store_access import store_config
from drcli.local import lock
from drcli.paths import Workspace
from drcli.retry import keep_trying
from drcli.store.client import Bucket
from drcli.store.credentials import credentials
from drcli.store.key_pair import make_key_pair

PROJECT = "s3"
_ONE_ONLY = "A machine has one MinIO: `dr store stop` in that workspace, or use its server from here (DR_CLOUD=remote)."
_DEADLINE_S = 60.0
_POLL_S = 0.2
_CRASHED = ("exited", "dead", "restarting")
_DEAD = (*_CRASHED, "gone")


def spec(settings: Settings, workspace: Workspace) -> StackSpec:
    """The Compose project. Changes nothing."""
    return minio_spec(settings, workspace, credentials(store_config(settings, workspace)) or {}, owner())


def ensure(settings: Settings, workspace: Workspace, network: StackKind) -> Bucket:
    """Start MinIO unless it is running, wait until it responds, create the bucket. Idempotent.

    network: which kind of stacks share its network.

    Raises:
        DrError: the image is missing, the port is in use, another workspace's MinIO is running, or it does not start.
    """
    with lock(workspace.store_lock):
        found = _container()
        if found is not None and is_of_drfc(found, workspace):
            bucket = Bucket(store_config(settings, workspace))
            bucket.ensure_bucket()
            return bucket
        check_owner(PROJECT, [found] if found else [], workspace.root, _ONE_ONLY)
        if found is None or found.status != "running":
            _check_data(workspace)
            make_key_pair(workspace.store_key)
            wanted = _with_available_image(spec(settings, workspace))
            check_image(wanted.variables["DR_MINIO_IMAGE"])
            stack_network.ensure_network(network)
            workspace.store.mkdir(parents=True, exist_ok=True)
            done = compose_up(wanted)
            if done.code:
                stop(workspace)
                raise DrError(
                    f"MinIO did not start: {diagnosis.reason(done.stderr)}", diagnosis.explain(done.stderr)
                )
        bucket = Bucket(store_config(settings, workspace))
        _wait_until_up(bucket)
    return bucket


def stop(workspace: Workspace) -> bool:
    """Stop it and remove its container; the data stay. False if there was none, or it is not ours."""
    found = containers.of_project(PROJECT, str(workspace.root))
    containers.end(found)
    for container in found:
        containers.keep_log(container, workspace.store_log)
    containers.remove(found)
    return bool(found)


def status(settings: Settings, workspace: Workspace) -> dict[str, Any]:
    """Whether it is running, its address, container and data folder."""
    found = of_workspace(workspace)
    is_running = found is not None and found.status == "running"
    return {
        "running": is_running,
        "endpoint_url": store_config(settings, workspace).endpoint_url if is_running else None,
        "container": found.short_id if found is not None else None,
        "data": str(workspace.store),
    }


def log(workspace: Workspace, tail: int, follow: bool) -> Iterator[str]:
    """Lines of its log, or of the saved log of the last container."""
    found = _container()
    if found is None:
        return log_files.read(workspace.store_log, tail)
    return containers.lines(found, tail, (lambda: _container() is not None) if follow else None)


def _with_available_image(wanted: StackSpec) -> StackSpec:
    """The same version under its former name on Docker Hub, if only that is on this machine."""
    image = wanted.variables["DR_MINIO_IMAGE"]
    former = image.removeprefix("quay.io/")
    if former == image or images.exists(image) or not images.exists(former):
        return wanted
    return replace(wanted, variables={**wanted.variables, "DR_MINIO_IMAGE": former})


def of_workspace(workspace: Workspace) -> Any | None:
    """The container that serves this workspace's data, regardless of who started it."""
    found = _container()
    is_ours = found is not None and found.labels.get(docker_engine.WORKSPACE) == str(workspace.root)
    return found if found is not None and (is_ours or is_of_drfc(found, workspace)) else None


def published_port(container: Any) -> int | None:
    """The port of this machine where a container serves S3; None if it is not running."""
    if container.status != "running":
        return None
    published = container.attrs["NetworkSettings"]["Ports"].get("9000/tcp")
    return int(published[0]["HostPort"]) if published else None


def is_of_drfc(container: Any, workspace: Workspace) -> bool:
    """Whether DeepRacer-for-Cloud started it with this very folder: then it is used as it is and never stopped."""
    sources = [mount.get("Source") for mount in container.attrs["Mounts"]]
    return docker_engine.WORKSPACE not in container.labels and str(workspace.store.resolve()) in sources


def _container() -> Any | None:
    """MinIO on this machine: our project, or DeepRacer-for-Cloud's project or stack of that name."""
    with docker_engine.speaking() as client:
        label = f"{docker_engine.SWARM_STACK}={PROJECT}"
        tasks = client.containers.list(filters={"label": label}, ignore_removed=True)
    return next(iter([*containers.of_project(PROJECT), *tasks]), None)


def _wait_until_up(bucket: Bucket) -> None:
    state = _state(None)

    def is_alive(error: DrError) -> bool:
        state.update(_state(_container()))
        return state["Status"] not in _DEAD

    try:
        keep_trying(
            bucket.ensure_bucket,
            patience_s=_DEADLINE_S,
            pause_s=lambda attempts: _POLL_S,
            is_worth_it=is_alive,
        )
    except DrError as error:
        raise _why_not_up(error, state) from None


def _why_not_up(error: DrError, state: dict[str, Any]) -> DrError:
    """The error with the last lines of its log; the container is removed.

    state: as last seen while waiting. By now Docker may have started it once more, and its exit code is lost.
    """
    found = _container()
    said = list(containers.lines(found, 10)) if found else []
    with suppress(DrError):
        containers.remove([found] if found else [])
    words = "" if state["Status"] in _CRASHED else "does not respond"
    dead = diagnosis.why_dead("minio", state["ExitCode"], said, error=words)
    return DrError(f"{dead.message}\n{error.message}", dead.hint)


def _state(container: Any | None) -> dict[str, Any]:
    gone: dict[str, Any] = {"Status": "gone", "ExitCode": None}
    return gone if container is None else container.attrs["State"]


def _check_data(workspace: Workspace) -> None:
    """Raise DrError for plain files of the embedded server: MinIO stores objects in its own format."""
    store = workspace.store
    if (store / ".minio.sys").exists() or not store.is_dir():
        return
    if any(path.is_file() for path in store.rglob("*")):
        raise DrError(
            f"{store} contains files of the embedded store, which MinIO cannot read.",
            "Use another workspace for DR_DOCKER_STYLE=compose or swarm, or move that folder away first.",
        )
