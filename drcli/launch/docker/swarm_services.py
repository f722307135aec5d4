"""The services of a Swarm stack and their tasks as seen by the manager: replicas, states, logs, number."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import docker.errors

from drcli.contract.run_name import replica_name
from drcli.errors import DrError
from drcli.launch.docker import docker_engine
from drcli.launch.run_view import ReplicaView

MAX_FAILURES = 4  # Swarm keeps five tasks per slot
_DEADLINE_S = 120.0
_POLL_S = 0.5
_STATES = {
    "starting": "running",  # its container is running, but has not passed a health check yet
    "running": "running",
    "complete": "ended",
    "failed": "down",
    "rejected": "down",
    "orphaned": "down",
    "shutdown": "ended",
    "remove": "ended",
}
Task = dict[str, Any]


def of_stack(project: str) -> list[Any]:
    """The services of a stack."""
    with docker_engine.speaking() as client:
        return list(client.services.list(filters={"label": f"{docker_engine.SWARM_STACK}={project}"}))


def tasks(service: Any) -> list[Task]:
    """Its tasks; none if it was removed since it was listed."""
    with docker_engine.speaking():
        try:
            return list(service.tasks())
        except docker.errors.NotFound:
            return []


def task_log(task: Task, tail: int = 0, goes_on: Callable[[], bool] | None = None) -> Iterator[str]:
    """Lines of one task's log, from any node; with `goes_on` also new lines while it returns True."""
    options = ["--raw", "--tail", str(tail or "all"), *(["--follow"] if goes_on else [])]
    return docker_engine.lines(["service", "logs", *options, task["ID"]], goes_on)


def replicas(service: Any, hostnames: dict[str, str]) -> list[ReplicaView]:
    """The newest task of each slot, with the number of its failures."""
    failures = Counter(
        slot(task) for task in tasks(service) if task["Status"]["State"] in ("failed", "rejected")
    )
    return [_replica(service, task, failures[slot(task)], hostnames) for task in newest(service)]


def newest(service: Any) -> list[Task]:
    """The newest task of each slot that should run, or of all wanted slots if none should."""
    slots: dict[int, Task] = {}
    for task in sorted(tasks(service), key=lambda task: str(task["CreatedAt"])):
        slots[slot(task)] = task
    there = [task for _, task in sorted(slots.items()) if task["DesiredState"] not in ("shutdown", "remove")]
    return there or [task for _, task in sorted(slots.items())][: max(1, _wanted(service))]


def _replica(service: Any, task: Task, failures: int, hostnames: dict[str, str]) -> ReplicaView:
    status = task["Status"]
    state = _STATES.get(status["State"], "starting")
    if state == "down" and failures < MAX_FAILURES and _comes_back(service):
        state = "starting"  # Swarm is about to start it again
    container = status.get("ContainerStatus", {})
    return ReplicaView(
        name=name_of(service, task),
        service=service_of(service),
        state=state,  # type: ignore[arg-type]
        restarts=failures,
        exit_code=container.get("ExitCode") if state in ("ended", "down") else None,
        container=container.get("ContainerID", "")[:12] or None if state == "running" else None,
        node=hostnames.get(task.get("NodeID", "")),
        message="" if "non-zero exit" in status.get("Err", "") else status.get("Err", ""),
    )


def _comes_back(service: Any) -> bool:
    policy = service.attrs["Spec"]["TaskTemplate"].get("RestartPolicy", {})
    return str(policy.get("Condition", "any")) != "none"


def slot(task: Task) -> int:
    """The number of its replica: 1, 2, …"""
    return int(task.get("Slot", 1))


def name_of(service: Any, task: Task) -> str:
    """The name of the replica."""
    return replica_name(service_of(service), slot(task) - 1)


def service_of(service: Any) -> str:
    """A service's name without the stack's name."""
    return str(service.name).partition("_")[2]


def _wanted(service: Any) -> int:
    return int(service.attrs["Spec"]["Mode"].get("Replicated", {}).get("Replicas", 1))


def hostnames() -> dict[str, str]:
    """Host names of all nodes by id."""
    with docker_engine.speaking() as client:
        return {str(node.id): node.attrs["Description"]["Hostname"] for node in client.nodes.list()}


def _lost_nodes() -> set[str]:
    with docker_engine.speaking() as client:
        return {str(node.id) for node in client.nodes.list() if node.attrs["Status"]["State"] != "ready"}


def last_lines(services: list[Any], name: str) -> list[str]:
    """The last lines of a replica's log."""
    found = [task for s in services for task in newest(s) if name_of(s, task) == name]
    return list(task_log(found[0], 200)) if found else []


def set_number(service: Any, replicas: int) -> None:
    """Change the number of tasks and wait until that many are running."""
    with docker_engine.speaking():
        service.reload()
        service.scale(replicas)

    def is_done() -> bool:
        lost = _lost_nodes()  # the tasks of a lost node may or may not be running
        states = [str(task["Status"]["State"]) for task in tasks(service) if task.get("NodeID") not in lost]
        there = [state for state in states if _STATES.get(state) in (None, "running")]
        return len(there) == replicas and set(there) <= {"running"}

    _wait(is_done)


def remove_stack(project: str) -> None:
    """Remove the services and wait until their containers on this machine are gone, so that their names are free."""
    docker_engine.run(["stack", "rm", project], check=False)
    label: dict[str, str | list[str] | bool] = {"label": f"{docker_engine.SWARM_STACK}={project}"}
    with docker_engine.speaking() as client:
        there = partial(client.containers.list, all=True, filters=label, ignore_removed=True)
        _wait(lambda: not of_stack(project) and not there())


def _wait(is_done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _DEADLINE_S
    while not is_done():
        if time.monotonic() > deadline:
            raise DrError(
                "The swarm did not finish in time.", "`dr swarm status` and `docker node ls` show its nodes."
            )
        time.sleep(_POLL_S)
