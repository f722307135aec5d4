"""Saving the logs of a Swarm stack during its removal: Swarm forgets ended tasks, so their logs are followed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from drcli.launch import local_process
from drcli.launch.docker.swarm_services import Task, name_of, newest, slot, task_log, tasks
from drcli.launch.run_folder import RunFolder

_SETTLE_S = 5.0
_POLL_S = 0.5


@contextmanager
def logs_kept(services: list[Any], folder: RunFolder, beyond: int = 0) -> Iterator[None]:
    """Save the logs of all slots beyond a number, up to the last line."""
    followers = []
    for service in services:
        last = {task["ID"] for task in newest(service)}
        there = [task for task in tasks(service) if slot(task) > beyond]
        for task in sorted(there, key=lambda task: str(task["CreatedAt"])):
            log = folder.log(name_of(service, task))
            if task["ID"] in last and task["Status"]["State"] == "running":
                command = ("docker", "service", "logs", "--raw", "--follow", task["ID"])
                followers.append((local_process.spawn(command, {}, log), log))
            else:
                _append(log, task)
    logs = [log for _, log in followers]
    try:
        _settle(logs)
        yield
        _settle(logs)
    finally:
        for follower, _ in followers:
            local_process.kill(follower)


def _settle(logs: list[Path]) -> None:
    """Wait until no log is empty or growing, at most 5 seconds."""
    deadline, before = time.monotonic() + _SETTLE_S, [-1]
    while time.monotonic() < deadline:
        now = [log.stat().st_size for log in logs]
        if now == before and all(now):
            return
        before = now
        time.sleep(_POLL_S)


def _append(log: Path, task: Task) -> None:
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in task_log(task))
