"""Our containers on this engine, found by their labels: their states, logs and removal."""

from __future__ import annotations

import codecs
import re
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import docker.errors

from drcli.contract.exit_codes import ASKED_TO_STOP
from drcli.contract.run_name import TRAINER, replica_name
from drcli.launch.camera_address import CameraAddress, on_loopback
from drcli.launch.docker import docker_engine
from drcli.launch.run_view import ReplicaView

NETWORK = "sagemaker-local"
MAX_RESTARTS = 5  # of a container that never ran for long; then it is considered failed
_CAMERA_PORTS = frozenset(("8080", "8180"))  # inside of containers
_UNWELL = {"unhealthy": "fails its health check"}
_ALGO = re.compile(r"-algo-\d+-\w+$")


def of_project(project: str, workspace: str | None = None) -> list[Any]:
    """Containers of a project, including stopped ones, ordered by number; if given, only of this workspace."""
    labels = [f"{docker_engine.COMPOSE_PROJECT}={project}"]
    if workspace is not None:
        labels.append(f"{docker_engine.WORKSPACE}={workspace}")
    with docker_engine.speaking() as client:
        found = client.containers.list(all=True, filters={"label": labels}, ignore_removed=True)
    return sorted(found, key=_name)


def started_by_coach(run_id: int) -> list[Any]:
    """The sagemaker containers that the community's rl_coach started for a run."""
    with docker_engine.speaking() as client:
        found = client.containers.list(all=True, filters={"network": NETWORK}, ignore_removed=True)
        return [c for c in found if _is_algo(c) and f"RUN_ID={run_id}" in c.attrs["Config"]["Env"]]


def view(container: Any) -> ReplicaView:
    """The state of one container."""
    state = container.attrs["State"]
    status, code = state["Status"], state["ExitCode"]
    restarts = container.attrs["RestartCount"]
    unwell = ""
    if status == "running":
        known, unwell = "running", _UNWELL.get(state.get("Health", {}).get("Status", ""), "")
    elif status in ("created", "restarting"):
        known = "down" if restarts > MAX_RESTARTS else "starting"
    else:
        known = "ended" if code in (0, ASKED_TO_STOP) else "down"
    return ReplicaView(
        name=_name(container),
        service=service_of(container),
        state=known,  # type: ignore[arg-type]
        restarts=restarts,
        exit_code=code if known in ("ended", "down") else None,
        container=container.short_id if known != "ended" else None,
        message="out of memory" if state.get("OOMKilled") else state.get("Error") or unwell,
    )


def camera_address(container: Any) -> CameraAddress | None:
    """Where a running worker's pictures are published on this machine: ours, or those of the community's engine."""
    for inner, published in (container.attrs["NetworkSettings"].get("Ports") or {}).items():
        if inner.partition("/")[0] in _CAMERA_PORTS and published:
            return on_loopback(_name(container), int(published[0]["HostPort"]))
    return None


def comes_back(container: Any) -> bool:
    """Whether Docker restarts it after a crash and has not done so too often yet."""
    policy = container.attrs["HostConfig"]["RestartPolicy"]["Name"]
    return policy not in ("", "no") and container.attrs["RestartCount"] <= MAX_RESTARTS


def service_of(container: Any) -> str:
    """The service of a container; the one that rl_coach starts is the sagemaker."""
    if _is_algo(container):
        return TRAINER
    return str(container.labels.get(docker_engine.COMPOSE_SERVICE, container.name))


def lines(container: Any, tail: int = 0, goes_on: Callable[[], bool] | None = None) -> Iterator[str]:
    """Lines of a container's log: the last `tail` (0: all), and with `goes_on` new ones while it returns True.

    Docker ends a stream when the container stops; reading continues if the container is restarted.
    """
    since: float | None = None
    while True:
        with docker_engine.speaking():
            try:
                stream = container.logs(
                    stream=True,
                    follow=goes_on is not None,
                    tail=(tail or "all") if since is None else "all",
                    since=since,
                )
                yield from decode(stream)
            except docker.errors.APIError as error:
                if not _is_gone(error):
                    raise
                return  # everything it wrote before was yielded
        since = time.time()
        if goes_on is None or not goes_on():
            return
        time.sleep(0.5)


def decode(chunks: Iterable[bytes]) -> Iterator[str]:
    """Complete lines from chunks of bytes with arbitrary boundaries."""
    decoder, begun = codecs.getincrementaldecoder("utf-8")("replace"), ""
    for chunk in chunks:
        *whole, begun = (begun + decoder.decode(chunk)).split("\n")
        yield from (line.rstrip("\r") for line in whole)
    if begun:
        yield begun


def end(containers: Iterable[Any]) -> None:
    """Stop containers gracefully: first the trainer, which still writes its last checkpoint, then all others.

    Each gets the time set in its compose file (stop_grace_period), by default Docker's 10 seconds.
    """
    all_of_them = list(containers)
    first = [c for c in all_of_them if service_of(c) == TRAINER]
    rest = [c for c in all_of_them if service_of(c) != TRAINER]
    for group in (first, rest):
        with ThreadPoolExecutor(max_workers=16) as pool:
            list(pool.map(_stop, group))


def keep_logs(containers: Iterable[Any], folder: Path) -> None:
    """Save the logs of containers before their removal to `<folder>/<name>.log`."""
    for container in containers:
        keep_log(container, folder / f"{_name(container)}.log")


def keep_log(container: Any, path: Path) -> None:
    """Append a container's log to a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines(container))


def remove(containers: Iterable[Any]) -> None:
    """Remove containers, running or not, with their anonymous volumes."""
    with docker_engine.speaking():
        for container in containers:
            try:
                container.remove(v=True, force=True)
            except docker.errors.APIError as error:
                if not _is_gone(error):
                    raise


def _is_gone(error: docker.errors.APIError) -> bool:
    """Whether the container has been removed (404), or is just being removed (409)."""
    return error.status_code in (404, 409)


def _is_algo(container: Any) -> bool:
    return bool(_ALGO.search(str(container.name)))


def _stop(container: Any) -> None:
    with docker_engine.speaking():
        try:
            container.stop()
        except docker.errors.APIError as error:
            if not _is_gone(error):
                raise


def _name(container: Any) -> str:
    service = service_of(container)
    number = int(container.labels.get(docker_engine.COMPOSE_NUMBER, 1))
    return replica_name(service, number - 1)
