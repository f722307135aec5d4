"""All our projects and stacks on this engine, from any workspace. They are found by label; others are never touched."""

from __future__ import annotations

from drcli.launch.docker import containers, docker_engine


def projects() -> list[str]:
    """The names of Compose projects and Swarm stacks with our label."""
    with docker_engine.speaking() as client:
        found = {
            c.labels.get(docker_engine.COMPOSE_PROJECT) or c.labels.get(docker_engine.SWARM_STACK, "")
            for c in client.containers.list(
                all=True, filters={"label": docker_engine.WORKSPACE}, ignore_removed=True
            )
        }
        if client.info()["Swarm"].get("ControlAvailable"):
            services = client.services.list(filters={"label": docker_engine.WORKSPACE})
            found |= {
                service.attrs["Spec"]["Labels"].get(docker_engine.SWARM_STACK, "") for service in services
            }
    return sorted(found - {""})


def remove(project: str) -> None:
    """Stop and remove a project's containers and a stack's services."""
    with docker_engine.speaking() as client:
        if client.info()["Swarm"].get("ControlAvailable"):
            docker_engine.run(["stack", "rm", project], check=False)
    found = containers.of_project(project)
    containers.end(found)
    containers.remove(found)
