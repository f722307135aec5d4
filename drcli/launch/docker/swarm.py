"""The launcher of Docker Swarm: services whose tasks run on any node, found again by their stack's name and labels."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from drcli.errors import DrError
from drcli.launch import local_process, log_files
from drcli.launch.docker import (
    community_host,
    containers,
    diagnosis,
    docker_engine,
    stack_network,
    swarm_nodes,
)
from drcli.launch.docker.claim import check_owner
from drcli.launch.docker.community_stacks import check_scale
from drcli.launch.docker.compose import outcome
from drcli.launch.docker.image_checks import check_image
from drcli.launch.docker.own_stacks import max_per_node
from drcli.launch.docker.stack_spec import StackSpec
from drcli.launch.local_process import Finished
from drcli.launch.plan import Plan
from drcli.launch.processes.run_folder import Replica, RunFolder
from drcli.launch.service_errors import last_words
from drcli.launch.stack_view import ReplicaView, StackView
from drcli.paths import Workspace

MAX_FAILURES = 4  # Swarm remembers five tasks of each slot
_DEADLINE_S = 120.0
_POLL_S = 0.5
_SETTLE_S = 5.0
_STATES = {
    "starting": "running",  # its container runs, and has not answered a health check yet
    "running": "running",
    "complete": "ended",
    "failed": "down",
    "rejected": "down",
    "orphaned": "down",
    "shutdown": "ended",
    "remove": "ended",
}
Task = dict[str, Any]


class SwarmLauncher:
    """`drcli.launch.run_control.Launcher` for Docker Swarm; has to be called on a manager."""

    def check(self, plan: Plan, workspace: Workspace) -> None:
        """Engine, a swarm that we manage, nodes that may run it, and nobody else's run of the same number."""
        docker_engine.client()
        swarm_nodes.check_placement(needs_sagemaker=plan.kind == "training", needs_robomaker=True)
        if plan.image.count("/") < 2:  # no registry in its name, so it has to be here
            check_image(plan.image)
        check_owner(plan.project, _services(plan.project), workspace.root)

    def start(self, plan: Plan, folder: RunFolder) -> None:
        """`docker stack deploy`; what was begun is taken away when it fails."""
        assert plan.spec is not None, "a plan for Docker has a spec"
        community_host.prepare(plan.spec)
        stack_network.ensure_network("swarm")
        done = deploy(plan.spec)
        if done.code:
            _remove(plan.project)
            _end_coach(folder)
            raise DrError(
                f"The stack {plan.project} did not start: {diagnosis.reason(done.stderr)}",
                diagnosis.explain(done.stderr),
            )

    def read(self, folder: RunFolder) -> StackView | None:
        """The stack as its tasks show it; as it ended when its services are gone."""
        services = _services(folder.project)
        if not services:
            return folder.read_outcome() or StackView("lost", message="Its services are gone.")
        return _view(services, folder)

    def stop(self, folder: RunFolder) -> None:
        """The main service first, then all others; logs and outcome are kept, services removed."""
        services = _services(folder.project)
        if not services:
            return
        seen = _view(services, folder)
        folder.write_outcome(outcome(seen))
        with _logs_kept(services, folder):
            _end_coach(folder)
            mains = [service for service in services if _short(service) == folder.main]
            for group in (mains, [service for service in services if service not in mains]):
                with ThreadPoolExecutor() as pool:
                    list(pool.map(lambda service: _scale(service, 0), group))
        _remove(folder.project)
        _end_coach(folder)  # rl_coach may have started its sagemaker meanwhile

    def scale(self, folder: RunFolder, replicas: int) -> None:
        """Swarm starts more, or stops those of the highest slots in good order."""
        plan = Plan.from_document(folder.read_plan(), {})
        assert plan.spec is not None, "a plan for Docker has a spec"
        check_scale(plan.spec, replicas, is_ours=plan.is_ours)
        for service in _services(folder.project):
            if _short(service) == "robomaker":
                _limit(service, replicas)
                with _logs_kept([service], folder, beyond=replicas):
                    _scale(service, replicas)

    def log(
        self, folder: RunFolder, name: str, tail: int, goes_on: Callable[[], bool] | None
    ) -> Iterator[str]:
        """Of the newest task of a slot, on whatever node; or the file that was kept of it."""
        tasks = (task for s in _services(folder.project) for task in _newest(s) if _name(s, task) == name)
        task = next(tasks, None)
        if task is not None:
            return task_log(task, tail, None if goes_on is None else _quietly(goes_on))
        found = [c for c in _coach(folder) if containers.view(c).name == name]
        return containers.lines(found[0], tail, goes_on) if found else log_files.read(folder.log(name), tail)


def deploy(spec: StackSpec) -> Finished:
    """`docker stack deploy` with its secrets in the environment."""
    files = [word for path in spec.paths for word in ("-c", str(path))]
    options = ["--detach=true", "--resolve-image", "never"]
    return docker_engine.run(
        ["stack", "deploy", *options, *files, spec.project], spec.environment, check=False
    )


def task_log(task: Task, tail: int = 0, goes_on: Callable[[], bool] | None = None) -> Iterator[str]:
    """Lines of one task's log, from whatever node it runs on; with `goes_on` also those that come."""
    options = ["--raw", "--tail", str(tail or "all"), *(["--follow"] if goes_on else [])]
    return docker_engine.lines(["service", "logs", *options, task["ID"]], goes_on)


def _quietly(goes_on: Callable[[], bool]) -> Callable[[], bool]:
    """For another thread: an engine that does not answer for a moment is no end."""

    def ask() -> bool:
        try:
            return goes_on()
        except DrError:
            return True

    return ask


def _services(project: str) -> list[Any]:
    with docker_engine.speaking() as client:
        return list(client.services.list(filters={"label": f"{docker_engine.SWARM_STACK}={project}"}))


def _view(services: list[Any], folder: RunFolder) -> StackView:
    hostnames = _hostnames()
    coach = {r.name: (c, r) for c in _coach(folder) if (r := containers.view(c))}
    replicas = tuple(replica for service in services for replica in _replicas(service, hostnames))
    replicas += tuple(replica for _, replica in coach.values())
    mains = [replica for replica in replicas if replica.service == folder.main]
    stuck = next((r for r in replicas if r.state == "starting" and "no suitable node" in r.message), None)
    dead = next((r for r in replicas if r.state == "down"), None)
    culprit = dead or (stuck if not any(r.state == "running" for r in replicas) else None)
    if culprit is not None:
        said = _said(services, culprit.name) if dead else []
        if culprit.name in coach:
            said = list(containers.lines(coach[culprit.name][0], 20))
        error = diagnosis.why_dead(culprit.name, culprit.exit_code, said, error=culprit.message)
        return StackView("failed", replicas, error.message, error.hint)
    if mains and all(replica.state == "ended" for replica in mains):
        message, hint = last_words(_said(services, mains[0].name))
        return StackView("failed" if message else "ended", replicas, message, hint)
    up = {replica.service for replica in replicas if replica.state in ("running", "ended")}
    return StackView("running" if up >= {_short(service) for service in services} else "starting", replicas)


def _replicas(service: Any, hostnames: dict[str, str]) -> list[ReplicaView]:
    """The newest task of each slot, with how often it has failed."""
    failures = Counter(
        _slot(task) for task in service.tasks() if task["Status"]["State"] in ("failed", "rejected")
    )
    return [_replica(service, task, failures[_slot(task)], hostnames) for task in _newest(service)]


def _newest(service: Any) -> list[Task]:
    """The newest task of each slot that is wanted, or still has to say something."""
    slots: dict[int, Task] = {}
    for task in sorted(service.tasks(), key=lambda task: str(task["CreatedAt"])):
        slots[_slot(task)] = task
    there = [task for _, task in sorted(slots.items()) if task["DesiredState"] not in ("shutdown", "remove")]
    return there or [task for _, task in sorted(slots.items())][: max(1, _wanted(service))]


def _replica(service: Any, task: Task, failures: int, hostnames: dict[str, str]) -> ReplicaView:
    status = task["Status"]
    state = _STATES.get(status["State"], "starting")
    if state == "down" and failures < MAX_FAILURES and _comes_back(service):
        state = "starting"  # Swarm is about to start it again
    container = status.get("ContainerStatus", {})
    return ReplicaView(
        name=_name(service, task),
        service=_short(service),
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


def _slot(task: Task) -> int:
    return int(task.get("Slot", 1))


def _name(service: Any, task: Task) -> str:
    return Replica.name_of(_short(service), _slot(task) - 1)


def _short(service: Any) -> str:
    """A service's name without that of its stack."""
    return str(service.name).partition("_")[2]


def _wanted(service: Any) -> int:
    return int(service.attrs["Spec"]["Mode"].get("Replicated", {}).get("Replicas", 1))


def _hostnames() -> dict[str, str]:
    with docker_engine.speaking() as client:
        return {str(node.id): node.attrs["Description"]["Hostname"] for node in client.nodes.list()}


def _lost_nodes() -> set[str]:
    with docker_engine.speaking() as client:
        return {str(node.id) for node in client.nodes.list() if node.attrs["Status"]["State"] != "ready"}


def _coach(folder: RunFolder) -> list[Any]:
    return containers.started_by_coach(folder.run_id) if folder.main == "rl_coach" else []


def _end_coach(folder: RunFolder) -> None:
    """Stop and remove the sagemaker that rl_coach has started; its log is kept."""
    found = _coach(folder)
    containers.end(found)
    containers.keep_logs(found, folder.logs)
    containers.remove(found)


def _said(services: list[Any], name: str) -> list[str]:
    tasks = [task for s in services for task in _newest(s) if _name(s, task) == name]
    return list(task_log(tasks[0], 200)) if tasks else []


def _append(log: Path, task: Task) -> None:
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in task_log(task))


@contextmanager
def _logs_kept(services: list[Any], folder: RunFolder, beyond: int = 0) -> Iterator[None]:
    """Keep the logs of all slots beyond a number, up to the last line.

    Swarm forgets a task as soon as it has ended, so they are followed.
    """
    followers = []
    for service in services:
        last = {task["ID"] for task in _newest(service)}
        there = [task for task in service.tasks() if _slot(task) > beyond]
        for task in sorted(there, key=lambda task: str(task["CreatedAt"])):
            log = folder.log(_name(service, task))
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
    """Wait until all have something in them, as far as they ever will, and nothing more comes."""
    deadline, before = time.monotonic() + _SETTLE_S, [-1]
    while time.monotonic() < deadline:
        now = [log.stat().st_size for log in logs]
        if now == before and all(now):
            return
        before = now
        time.sleep(_POLL_S)


def _limit(service: Any, replicas: int) -> None:
    """Let each node have its share of the new number. It costs the workers a restart, so only where it has to be."""
    limit = int(service.attrs["Spec"]["TaskTemplate"].get("Placement", {}).get("MaxReplicas", 0))
    wanted = int(max_per_node(replicas, swarm_nodes.worker_nodes())) if limit else 0
    if wanted > limit:
        docker_engine.run(["service", "update", "--detach", f"--replicas-max-per-node={wanted}", service.id])


def _scale(service: Any, replicas: int) -> None:
    """Change the number of tasks, and wait until so many run."""
    with docker_engine.speaking():
        service.reload()
        service.scale(replicas)

    def is_done() -> bool:
        lost = _lost_nodes()  # whether the tasks of such a node still run, nobody knows
        states = [str(task["Status"]["State"]) for task in service.tasks() if task.get("NodeID") not in lost]
        there = [state for state in states if _STATES.get(state) in (None, "running")]
        return len(there) == replicas and set(there) <= {"running"}

    _wait(is_done)


def _remove(project: str) -> None:
    """Remove the services and wait until their containers are gone, here at least: their names are free then."""
    docker_engine.run(["stack", "rm", project], check=False)
    label: dict[str, str | list[str] | bool] = {"label": f"{docker_engine.SWARM_STACK}={project}"}
    with docker_engine.speaking() as client:
        _wait(lambda: not _services(project) and not client.containers.list(all=True, filters=label))


def _wait(is_done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _DEADLINE_S
    while not is_done():
        if time.monotonic() > deadline:
            raise DrError(
                "The swarm takes too long.", "`dr swarm status` and `docker node ls` show its nodes."
            )
        time.sleep(_POLL_S)
