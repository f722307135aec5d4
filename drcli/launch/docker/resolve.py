"""A stack's compose files resolved by Docker itself, and shown without secrets. Needs the client, no engine."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from drcli import env
from drcli.errors import DrError
from drcli.launch.docker import docker_engine
from drcli.launch.docker.stack_spec import StackSpec

MASK = "********"
# Never shown, whoever set them: a name without a value in a compose file takes the value of the user's shell.
_SECRET_NAMES = frozenset(
    {
        env.AWS_ACCESS_KEY_ID,
        env.AWS_SECRET_ACCESS_KEY,
        env.AWS_SESSION_TOKEN,
        "MINIO_ROOT_USER",
        "MINIO_ROOT_PASSWORD",
    }
)
_SHORT = 8  # a shorter secret is hidden where it stands alone, not as a part of words


def resolve(spec: StackSpec) -> dict[str, Any]:
    """The model that `docker compose config` makes of the files, with the secrets in it.

    Raises:
        DrError: Docker or Compose is missing, or Compose refuses the files.
    """
    arguments = ["compose", *_files(spec, "-f"), "-p", spec.project, "config", "--format", "json"]
    done = docker_engine.run(arguments, spec.environment, check=False)
    if done.code:
        docker_engine.check_compose()
        raise DrError(f"Docker Compose refuses the stack {spec.project}: {_hidden(spec, done.last_words)}")
    model: dict[str, Any] = _unescaped(json.loads(done.stdout))
    return model


def describe(spec: StackSpec) -> dict[str, Any]:
    """What `--dry-run` shows of a stack: every secret is masked, wherever it occurs."""
    return shown(spec, resolve(spec)["services"])


def shown(spec: StackSpec, services: Mapping[str, Any]) -> dict[str, Any]:
    """A stack and its services, however they were resolved, for everybody's eyes."""
    return {
        "project": spec.project,
        "style": spec.style,
        "services": _masked(services, spec),
        "replicas": dict(spec.replicas),
    }


def check_swarm_file(spec: StackSpec) -> dict[str, Any]:
    """What `docker stack deploy` makes of the files; it is stricter than Compose.

    Raises:
        DrError: Docker is missing or too old for these files, or refuses them.
    """
    import yaml

    done = docker_engine.run(["stack", "config", *_files(spec, "-c")], spec.environment, check=False)
    if done.code:
        words = _hidden(spec, done.last_words)
        is_old = "unsupported Compose file version" in words or "unknown command" in words
        hint = "Docker's client has to be of version 25 or newer for DR_DOCKER_STYLE=swarm." if is_old else ""
        raise DrError(f"Docker Swarm refuses the stack {spec.project}: {words}", hint)
    model: dict[str, Any] = yaml.safe_load(done.stdout)
    return model


def _files(spec: StackSpec, flag: str) -> Iterable[str]:
    return (word for path in spec.paths for word in (flag, str(path)))


def _unescaped(value: Any) -> Any:
    """Compose writes each `$` twice, so that its output is a compose file again."""
    if isinstance(value, dict):
        return {key: _unescaped(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_unescaped(item) for item in value]
    return value.replace("$$", "$") if isinstance(value, str) else value


def _masked(value: Any, spec: StackSpec) -> Any:
    if isinstance(value, Mapping):
        names = _SECRET_NAMES | spec.secrets.keys()
        return {
            key: MASK if key in names and item is not None else _masked(item, spec)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_masked(item, spec) for item in value]
    return _hidden(spec, value) if isinstance(value, str) else value


def _hidden(spec: StackSpec, text: str) -> str:
    """A text without secrets; the longest first, as one may be part of another."""
    for secret in sorted(filter(None, spec.secrets.values()), key=len, reverse=True):
        if text == secret:
            return MASK
        if len(secret) >= _SHORT:
            text = text.replace(secret, MASK)
    return text
