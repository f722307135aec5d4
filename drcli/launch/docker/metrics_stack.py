"""Starts and stops the metrics stack: Telegraf, InfluxDB, Prometheus and Grafana, one for the machine."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path

import yaml

from drcli.config.settings import Settings
from drcli.errors import DrError
from drcli.launch.docker import containers, diagnosis, docker_engine, stack_network
from drcli.launch.docker.claim import check_owner
from drcli.launch.docker.metrics_spec import PROJECT, metrics_spec, prometheus_config
from drcli.launch.docker.stack_spec import StackSpec
from drcli.launch.launcher import launcher_of
from drcli.local import write_atomically
from drcli.paths import Workspace

_ONE_ONLY = "A machine has one: `dr stop-metrics` there, or `docker compose -p deepracer-metrics down`."


@dataclass(frozen=True)
class Password:
    """Of Grafana's admin, and the file that has it; is_new: it was made just now."""

    text: str
    file: Path
    is_new: bool


def start(settings: Settings, workspace: Workspace) -> Password:
    """Start it, or adapt a running one to the settings; returns once its containers are started. Idempotent.

    Raises:
        DrError: there is no Docker, another workspace or program has the name, or Docker refuses.
    """
    try:
        docker_engine.client()
        docker_engine.check_compose()
    except DrError as error:
        raise DrError(
            error.message,
            f"{error.hint.partition('; or use DR_DOCKER_STYLE')[0]}. The metrics stack runs in containers in every "
            "style; docs/other-tools.md says how to do without Docker.",
        ) from None
    check_owner(PROJECT, containers.of_project(PROJECT), workspace.root, _ONE_ONLY)
    password = make_password(workspace)
    spec = metrics_spec(settings, workspace, password.text)
    write_config(settings, workspace)
    if network := launcher_of(settings.docker_style).shared_network:
        stack_network.ensure_network(network)
    _up(spec)
    return password


def stop(workspace: Workspace) -> bool:
    """Stop it and remove its containers; what it has collected stays. False if there was none of this workspace."""
    found = containers.of_project(PROJECT, str(workspace.root))
    containers.end(found)
    containers.remove(found)
    return bool(found)


def make_password(workspace: Workspace) -> Password:
    """A random password in a file that only its owner can read; the same one at every start."""
    file = workspace.metrics / "grafana-password"
    if file.exists():
        return Password(file.read_text(encoding="utf-8").strip(), file, is_new=False)
    text = secrets.token_urlsafe(18)
    write_atomically(file, f"{text}\n".encode(), mode=0o600)
    return Password(text, file, is_new=True)


def write_config(settings: Settings, workspace: Workspace) -> Path:
    """Write what Prometheus looks for; its container reads it at its start, as another user."""
    file = workspace.metrics / "prometheus.yml"
    content = yaml.safe_dump(prometheus_config(settings), sort_keys=False).encode()
    write_atomically(file, content, mode=0o644)
    return file


def _up(spec: StackSpec) -> None:
    """Images that are missing are downloaded; containers are made anew, as their files may have changed."""
    files = [word for path in spec.paths for word in ("-f", str(path))]
    options = ["-d", "--quiet-pull", "--force-recreate"]
    done = docker_engine.run(
        ["compose", *files, "-p", spec.project, "up", *options], spec.environment, check=False
    )
    if done.code:
        raise DrError(
            f"The stack {spec.project} did not start: {diagnosis.reason(done.stderr)}",
            diagnosis.explain(done.stderr),
        )
