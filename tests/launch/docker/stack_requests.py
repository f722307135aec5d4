"""Stacks as launchers plan them, of settings and a machine of the test's own."""

from __future__ import annotations

from typing import Any

import yaml

from drcli.config.settings import Settings
from drcli.contract.run_name import RunKind
from drcli.launch.docker import docker_engine
from drcli.launch.docker.community_stacks import community_stack
from drcli.launch.docker.container_launcher import ContainerLauncher
from drcli.launch.docker.deployment import Deployment
from drcli.launch.docker.own_stacks import own_stack
from drcli.launch.docker.stack_spec import StackSpec
from drcli.launch.launcher import RunRequest, launcher_of
from drcli.launch.machine import Credentials, Machine, Snapshot
from drcli.launch.simapp import is_ours
from drcli.launch.store_access import services_endpoint, store_config
from drcli.paths import Workspace


def deployment_of(settings: Settings) -> Deployment:
    launcher = launcher_of(settings.docker_style)
    assert isinstance(launcher, ContainerLauncher)
    return launcher.deployment


def stack_of(
    settings: Settings,
    workspace: Workspace,
    keys: Credentials,
    machine: Machine,
    kind: RunKind = "training",
    prefix: str = "",
    workers: tuple[Settings, ...] = (),
) -> StackSpec:
    """The stack of a run; `prefix` is by default that of the settings."""
    request = RunRequest(kind, settings, workspace, prefix or settings.local_s3_model_prefix, workers)
    store = store_config(settings, workspace)
    snapshot = Snapshot(machine, store, services_endpoint(settings, store), keys)
    stack = own_stack if is_ours(settings) else community_stack
    return stack(request, snapshot, deployment_of(settings))


def swarm_model(spec: StackSpec) -> dict[str, Any]:
    """The model that `docker stack config` prints for the files; Swarm is stricter than Compose."""
    files = [word for path in spec.paths for word in ("-c", str(path))]
    done = docker_engine.run(["stack", "config", *files], spec.environment, check=False)
    assert done.code == 0, done.last_words
    model: dict[str, Any] = yaml.safe_load(done.stdout)
    return model
