"""The launcher for Docker Compose: containers on this machine, found by their labels."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, ClassVar

from drcli.contract.run_name import COACH, TRAINER, WORKER
from drcli.errors import DrError
from drcli.launch import log_files
from drcli.launch.camera_address import CameraAddress
from drcli.launch.docker import (
    community_host,
    containers,
    diagnosis,
    docker_engine,
    port_ranges,
    reward_logs,
    stack_network,
)
from drcli.launch.docker.claim import check_owner
from drcli.launch.docker.community_stacks import check_scale
from drcli.launch.docker.container_launcher import ContainerLauncher
from drcli.launch.docker.container_plan import ContainerPlan
from drcli.launch.docker.deployment import ComposeProject, Deployment
from drcli.launch.docker.image_checks import check_gpu, check_image
from drcli.launch.docker.minio_store import MinioStore
from drcli.launch.docker.stack_programs import compose_up
from drcli.launch.docker.stack_spec import StackKind
from drcli.launch.own_store import OwnStore
from drcli.launch.run_folder import RunFolder
from drcli.launch.run_view import RunView
from drcli.launch.service_errors import last_words
from drcli.paths import Workspace

_LATE_LOOKS, _LATE_S = 4, 0.5


class ComposeLauncher(ContainerLauncher):
    """DR_DOCKER_STYLE=compose."""

    own_store: ClassVar[OwnStore] = MinioStore("compose")
    deployment: ClassVar[Deployment] = ComposeProject()
    shared_network: ClassVar[StackKind | None] = "compose"

    def check(self, plan: ContainerPlan, workspace: Workspace) -> None:
        """Check engine, Compose, image, GPU, and that no other workspace uses the same run id."""
        docker_engine.client()
        docker_engine.check_compose()
        check_image(plan.image)
        check_gpu(plan.image)
        community_host.check_host(plan.spec)
        check_owner(plan.project, containers.of_project(plan.project), workspace.root)

    def start(self, plan: ContainerPlan, folder: RunFolder) -> None:
        """Run `docker compose up`; if it fails, its containers are removed."""
        spec = plan.spec
        community_host.prepare(spec)
        reward_logs.prepare(spec)
        stack_network.ensure_network("compose")
        done = compose_up(spec)
        if done.code:
            views = map(containers.view, self._containers(folder))
            culprit = "".join(f" {view.name}:" for view in views if view.message)
            self._take_away(folder)
            for _ in range(_LATE_LOOKS):  # Compose gives up while the engine is still creating containers
                time.sleep(_LATE_S)
                self._take_away(folder)
            raise DrError(
                f"The stack {spec.project} did not start:{culprit} {diagnosis.reason(done.stderr)}",
                diagnosis.explain(done.stderr),
            )

    def read(self, folder: RunFolder) -> RunView | None:
        """The run according to its containers, or its saved outcome if they are gone."""
        found = self._containers(folder)
        if not found:
            return folder.read_outcome() or RunView(
                "lost", message="The containers of the run no longer exist."
            )
        return _view(found, folder.read_head().main)

    def stop(self, folder: RunFolder) -> None:
        """Stop the containers, save logs and outcome, remove the containers."""
        found = self._containers(folder)
        if not found:
            return
        folder.write_outcome(_view(found, folder.read_head().main).as_ended())
        self._take_away(folder)

    def scale(self, folder: RunFolder, replicas: int) -> None:
        """Add workers with `docker compose up --scale`, or gracefully stop those with the highest numbers."""
        plan = self.read_plan(folder)
        check_scale(plan.spec, replicas, is_ours=plan.is_ours)
        found = self._containers(folder)
        workers = [c for c in found if containers.service_of(c) == WORKER]
        surplus = workers[replicas:]
        containers.end(surplus)
        containers.keep_logs(surplus, folder.logs)
        containers.remove(surplus)
        if replicas > len(workers):
            spec = ContainerPlan.from_document(folder.read_plan(), _environment(found[0])).spec
            ports = port_ranges.for_more(spec.variables, replicas - len(workers))
            spec = replace(spec, variables={**spec.variables, **ports})
            done = compose_up(replace(spec, replicas={**spec.replicas, WORKER: replicas}))
            if done.code:
                raise DrError(
                    f"The workers did not start: {diagnosis.reason(done.stderr)}",
                    diagnosis.explain(done.stderr),
                )

    def log(
        self, folder: RunFolder, name: str, tail: int, goes_on: Callable[[], bool] | None
    ) -> Iterator[str]:
        """The log of the container, or the file that was saved from it."""
        found = [c for c in self._containers(folder) if containers.view(c).name == name]
        return containers.lines(found[0], tail, goes_on) if found else log_files.read(folder.log(name), tail)

    def cameras(self, folder: RunFolder) -> tuple[CameraAddress, ...]:
        """The ports that Docker has chosen for the running workers, of either engine."""
        workers = [c for c in self._containers(folder) if containers.service_of(c) == WORKER]
        return tuple(address for c in workers if (address := containers.camera_address(c)) is not None)

    def _take_away(self, folder: RunFolder) -> None:
        """Stop and remove all containers; their logs are saved."""
        containers.end(self._containers(folder))
        found = self._containers(folder)  # rl_coach may have started its sagemaker in the meantime
        containers.end(found)
        containers.keep_logs(found, folder.logs)
        containers.remove(found)

    def _containers(self, folder: RunFolder) -> list[Any]:
        project = folder.project
        found = containers.of_project(project, str(folder.workspace))
        return found + (
            containers.started_by_coach(folder.run_id) if folder.read_head().main == COACH else []
        )


def _view(found: list[Any], main: str) -> RunView:
    replicas = tuple(containers.view(container) for container in found)
    for container, replica in zip(found, replicas, strict=True):
        is_last = replica.service == main or replica.service == TRAINER
        if replica.state == "down" and (is_last or not containers.comes_back(container)):
            said = list(containers.lines(container, 20))
            error = diagnosis.why_dead(
                replica.name,
                replica.exit_code,
                said,
                oom=replica.message == "out of memory",
                error=replica.message,
            )
            return RunView("failed", replicas, error.message, error.hint)
    mains = [(c, r) for c, r in zip(found, replicas, strict=True) if r.service == main]
    if mains and all(replica.state == "ended" for _, replica in mains):
        message, hint = last_words(list(containers.lines(mains[0][0], 200)))
        return RunView("failed" if message else "ended", replicas, message, hint)
    is_starting = any(replica.state == "starting" for replica in replicas)
    return RunView("starting" if is_starting else "running", replicas)


def _environment(container: Any) -> dict[str, str]:
    """The environment of a running container; the secrets are stored nowhere else."""
    pairs = (pair.partition("=") for pair in container.attrs["Config"]["Env"])
    return {name: value for name, _, value in pairs}
