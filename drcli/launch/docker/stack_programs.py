"""Starting stacks with `docker compose up` and `docker stack deploy`, with secrets in the program's environment."""

from __future__ import annotations

from drcli.launch.docker import docker_engine
from drcli.launch.docker.stack_spec import StackSpec
from drcli.launch.local_process import Finished


def compose_up(spec: StackSpec) -> Finished:
    """Run `docker compose up`. Pulls and builds nothing."""
    files = [word for path in spec.paths for word in ("-f", str(path))]
    scale = [word for service, number in spec.replicas.items() for word in ("--scale", f"{service}={number}")]
    options = ["-d", "--no-build", "--no-recreate", "--pull", "never", "--quiet-pull"]
    return docker_engine.run(
        ["compose", *files, "-p", spec.project, "up", *options, *scale], spec.environment, check=False
    )


def stack_deploy(spec: StackSpec) -> Finished:
    """Run `docker stack deploy`."""
    files = [word for path in spec.paths for word in ("-c", str(path))]
    options = ["--detach=true", "--resolve-image", "never"]
    return docker_engine.run(
        ["stack", "deploy", *options, *files, spec.project], spec.environment, check=False
    )
