"""The common part of the launchers for Docker Compose and Docker Swarm: plans, images, the store, the claim."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any, ClassVar

from drcli.config.settings import Settings
from drcli.errors import DrError
from drcli.launch.docker import docker_engine, docker_machine, image_checks, images
from drcli.launch.docker.claim import claimed
from drcli.launch.docker.container_plan import ContainerPlan, plan_containers
from drcli.launch.docker.deployment import Deployment
from drcli.launch.docker.draft import drafted
from drcli.launch.docker.resolve import describe
from drcli.launch.launcher import ImageToBuild, Launcher, RunRequest
from drcli.launch.machine import Snapshot
from drcli.launch.run_folder import RunFolder
from drcli.paths import Workspace


class ContainerLauncher(Launcher[ContainerPlan]):
    """A style in which services are containers; subclasses say how they are deployed."""

    needs_docker: ClassVar[bool] = True
    poll_s: ClassVar[float] = 1.0
    deployment: ClassVar[Deployment]

    def image(self, settings: Settings) -> str:
        """The engine's image."""
        return images.image_of(settings)

    def has_image(self, image: str) -> bool:
        """Whether the image is on this machine."""
        return images.exists(image)

    def image_to_build(self, settings: Settings) -> ImageToBuild | None:
        """Our image if it is missing or was built by another version of drcli."""
        if image := image_checks.missing_image(settings):
            return ImageToBuild(image, f"There is no image {image} on this machine.")
        if image := image_checks.outdated_image(settings):
            return ImageToBuild(image, f"The image {image} was built by another version of drcli.")
        return None

    def look(self, settings: Settings, workspace: Workspace) -> Snapshot:
        """The snapshot with the keys for containers."""
        return docker_machine.look(settings, workspace)

    def plan(self, request: RunRequest, snapshot: Snapshot) -> ContainerPlan:
        """The stack of the run and that of the store."""
        return plan_containers(request, snapshot, self.deployment)

    def read_plan(self, folder: RunFolder) -> ContainerPlan:
        """The plan without secrets, which are only in the containers."""
        return ContainerPlan.from_document(folder.read_plan(), {})

    def describe(self, plan: ContainerPlan) -> list[dict[str, Any]]:
        """The stacks as Compose resolves them, the store first; without Compose, put together by drcli."""
        try:
            docker_engine.check_compose()
        except DrError:
            return [drafted(spec) for spec in (*plan.beside, plan.spec)]
        return [describe(spec) for spec in (*plan.beside, plan.spec)]

    def claim(self, project: str) -> AbstractContextManager[None]:
        """Reserve the project's name: all workspaces share the engine."""
        return claimed(project)
