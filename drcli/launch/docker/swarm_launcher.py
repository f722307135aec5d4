"""The launcher for Docker Swarm: services whose tasks run on any node, found by their stack's name and labels."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, ClassVar

from drcli.config.settings import Settings
from drcli.contract.run_name import COACH, WORKER, replica_name
from drcli.errors import DrError
from drcli.launch import log_files
from drcli.launch.camera_address import CameraAddress, on_loopback
from drcli.launch.docker import (
    community_host,
    containers,
    diagnosis,
    docker_engine,
    stack_network,
    swarm_nodes,
    swarm_services,
)
from drcli.launch.docker.claim import check_owner
from drcli.launch.docker.community_stacks import check_scale
from drcli.launch.docker.container_launcher import ContainerLauncher
from drcli.launch.docker.container_plan import ContainerPlan
from drcli.launch.docker.deployment import Deployment, SwarmStack, max_per_node
from drcli.launch.docker.image_checks import check_image
from drcli.launch.docker.minio_store import MinioStore
from drcli.launch.docker.stack_programs import stack_deploy
from drcli.launch.docker.stack_spec import StackKind
from drcli.launch.docker.swarm_logs import logs_kept
from drcli.launch.launcher import Capacity, ImageToBuild
from drcli.launch.machine import Snapshot
from drcli.launch.own_store import OwnStore
from drcli.launch.run_folder import RunFolder
from drcli.launch.run_view import RunView
from drcli.launch.service_errors import last_words
from drcli.paths import Workspace

_CAMERA_PORT = 8080  # inside of the community's containers


class SwarmLauncher(ContainerLauncher):
    """DR_DOCKER_STYLE=swarm; has to run on a manager."""

    own_store: ClassVar[OwnStore] = MinioStore("swarm")
    deployment: ClassVar[Deployment] = SwarmStack()
    shared_network: ClassVar[StackKind | None] = "swarm"
    spans_machines: ClassVar[bool] = True

    def image_to_build(self, settings: Settings) -> ImageToBuild | None:
        """As for all containers, but first check that there is a swarm, so that nobody builds an image in vain."""
        swarm_nodes.require_manager()
        return super().image_to_build(settings)

    def look(self, settings: Settings, workspace: Workspace) -> Snapshot:
        """The snapshot with IP_VS and the number of worker nodes; without an engine, values that work everywhere."""
        seen = super().look(settings, workspace)
        try:
            has_ip_vs = swarm_nodes.has_ip_vs()
        except DrError:
            has_ip_vs = False
        nodes = swarm_nodes.worker_nodes()
        return replace(seen, machine=replace(seen.machine, has_ip_vs=has_ip_vs, worker_nodes=nodes))

    def capacity(self) -> Capacity:
        """What the nodes that can run workers have together; Docker Swarm decides which stack runs where."""
        cores, memory_bytes, count = swarm_nodes.resources()
        return Capacity(cores, memory_bytes, f"{count} node{'' if count == 1 else 's'}")

    def check(self, plan: ContainerPlan, workspace: Workspace) -> None:
        """Check engine, swarm, nodes and image, and that no other workspace uses the same run id."""
        docker_engine.client()
        swarm_nodes.check_placement(needs_sagemaker=plan.kind == "training", needs_robomaker=True)
        if plan.image.count("/") < 2:  # without a registry in its name it has to be on this machine
            check_image(plan.image)
        check_owner(plan.project, swarm_services.of_stack(plan.project), workspace.root)

    def start(self, plan: ContainerPlan, folder: RunFolder) -> None:
        """Run `docker stack deploy`; if it fails, its services are removed."""
        community_host.prepare(plan.spec)
        stack_network.ensure_network("swarm")
        done = stack_deploy(plan.spec)
        if done.code:
            swarm_services.remove_stack(plan.project)
            _end_coach(folder)
            raise DrError(
                f"The stack {plan.project} did not start: {diagnosis.reason(done.stderr)}",
                diagnosis.explain(done.stderr),
            )

    def read(self, folder: RunFolder) -> RunView | None:
        """The run according to its tasks, or its saved outcome if its services are gone."""
        services = swarm_services.of_stack(folder.project)
        if not services:
            return folder.read_outcome() or RunView(
                "lost", message="The services of the run no longer exist."
            )
        return _view(services, folder)

    def stop(self, folder: RunFolder) -> None:
        """Stop the main service first, then all others; logs and outcome are saved, services removed."""
        services = swarm_services.of_stack(folder.project)
        if not services:
            return
        seen = _view(services, folder)
        folder.write_outcome(seen.as_ended())
        with logs_kept(services, folder):
            _end_coach(folder)
            main = folder.read_head().main
            mains = [service for service in services if swarm_services.service_of(service) == main]
            for group in (mains, [service for service in services if service not in mains]):
                with ThreadPoolExecutor() as pool:
                    list(pool.map(lambda service: swarm_services.set_number(service, 0), group))
        swarm_services.remove_stack(folder.project)
        _end_coach(folder)  # rl_coach may have started its sagemaker in the meantime

    def scale(self, folder: RunFolder, replicas: int) -> None:
        """Swarm starts more workers, or gracefully stops those with the highest slots."""
        plan = self.read_plan(folder)
        check_scale(plan.spec, replicas, is_ours=plan.is_ours)
        for service in swarm_services.of_stack(folder.project):
            if swarm_services.service_of(service) == WORKER:
                _limit(service, replicas)
                with logs_kept([service], folder, beyond=replicas):
                    swarm_services.set_number(service, replicas)

    def log(
        self, folder: RunFolder, name: str, tail: int, goes_on: Callable[[], bool] | None
    ) -> Iterator[str]:
        """The log of the slot's newest task, on any node; or the file that was saved from it."""
        tasks = (
            task
            for s in swarm_services.of_stack(folder.project)
            for task in swarm_services.newest(s)
            if swarm_services.name_of(s, task) == name
        )
        task = next(tasks, None)
        if task is not None:
            return swarm_services.task_log(task, tail, None if goes_on is None else _quietly(goes_on))
        found = [c for c in _coach(folder) if containers.view(c).name == name]
        return containers.lines(found[0], tail, goes_on) if found else log_files.read(folder.log(name), tail)

    def cameras(self, folder: RunFolder) -> tuple[CameraAddress, ...]:
        """The port on which the community's engine publishes its workers, any of which answers; ours does not."""
        ports = [
            port["PublishedPort"]
            for service in swarm_services.of_stack(folder.project)
            if swarm_services.service_of(service) == WORKER
            for port in service.attrs.get("Endpoint", {}).get("Ports", ())
            if port["TargetPort"] == _CAMERA_PORT
        ]
        return tuple(on_loopback(replica_name(WORKER, k), port) for k, port in enumerate(ports))


def _quietly(goes_on: Callable[[], bool]) -> Callable[[], bool]:
    """For use in another thread: if the engine does not respond for a moment, the log does not end."""

    def ask() -> bool:
        try:
            return goes_on()
        except DrError:
            return True

    return ask


def _view(services: list[Any], folder: RunFolder) -> RunView:
    hostnames, main = swarm_services.hostnames(), folder.read_head().main
    coach = {r.name: (c, r) for c in _coach(folder) if (r := containers.view(c))}
    replicas = tuple(
        replica for service in services for replica in swarm_services.replicas(service, hostnames)
    )
    replicas += tuple(replica for _, replica in coach.values())
    mains = [replica for replica in replicas if replica.service == main]
    stuck = next((r for r in replicas if r.state == "starting" and "no suitable node" in r.message), None)
    dead = next((r for r in replicas if r.state == "down"), None)
    culprit = dead or (stuck if not any(r.state == "running" for r in replicas) else None)
    if culprit is not None:
        said = swarm_services.last_lines(services, culprit.name) if dead else []
        if culprit.name in coach:
            said = list(containers.lines(coach[culprit.name][0], 20))
        error = diagnosis.why_dead(culprit.name, culprit.exit_code, said, error=culprit.message)
        return RunView("failed", replicas, error.message, error.hint)
    if mains and all(replica.state == "ended" for replica in mains):
        message, hint = last_words(swarm_services.last_lines(services, mains[0].name))
        return RunView("failed" if message else "ended", replicas, message, hint)
    up = {replica.service for replica in replicas if replica.state in ("running", "ended")}
    return RunView(
        "running" if up >= {swarm_services.service_of(service) for service in services} else "starting",
        replicas,
    )


def _coach(folder: RunFolder) -> list[Any]:
    return containers.started_by_coach(folder.run_id) if folder.read_head().main == COACH else []


def _end_coach(folder: RunFolder) -> None:
    """Stop and remove the sagemaker that rl_coach started; its log is saved."""
    found = _coach(folder)
    containers.end(found)
    containers.keep_logs(found, folder.logs)
    containers.remove(found)


def _limit(service: Any, replicas: int) -> None:
    """Raise the limit per node to its share of the new number, if necessary: it restarts the workers."""
    limit = int(service.attrs["Spec"]["TaskTemplate"].get("Placement", {}).get("MaxReplicas", 0))
    wanted = int(max_per_node(replicas, swarm_nodes.worker_nodes())) if limit else 0
    if wanted > limit:
        docker_engine.run(["service", "update", "--detach", f"--replicas-max-per-node={wanted}", service.id])
