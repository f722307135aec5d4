"""Resolves a stack's compose files with Docker and shows them without secrets. Needs Docker's client, but no engine."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from drcli import env
from drcli.errors import DrError
from drcli.launch.docker import docker_engine
from drcli.launch.docker.stack_spec import StackSpec

MASK = "********"
# Never shown, even if not from us: a name without a value in a compose file gets its value from the user's shell.
_SECRET_NAMES = frozenset(
    {
        env.AWS_ACCESS_KEY_ID,
        env.AWS_SECRET_ACCESS_KEY,
        env.AWS_SESSION_TOKEN,
        "MINIO_ROOT_USER",
        "MINIO_ROOT_PASSWORD",
    }
)
_SHORT = 8  # shorter secrets are only hidden if they are the whole text, not as part of it


def resolve(spec: StackSpec) -> dict[str, Any]:
    """The model that `docker compose config` prints for the files, including secrets.

    Raises:
        DrError: Docker or Compose is not installed, or Compose rejects the files.
    """
    files = [word for path in spec.paths for word in ("-f", str(path))]
    arguments = ["compose", *files, "-p", spec.project, "config", "--format", "json"]
    done = docker_engine.run(arguments, spec.environment, check=False)
    if done.code:
        docker_engine.check_compose()
        raise DrError(f"Docker Compose rejects the stack {spec.project}: {_hidden(spec, done.last_words)}")
    model: dict[str, Any] = _unescaped(json.loads(done.stdout))
    return model


def describe(spec: StackSpec) -> dict[str, Any]:
    """What `--dry-run` shows of a stack, with every secret masked wherever it occurs."""
    return shown(spec, resolve(spec)["services"])


def shown(spec: StackSpec, services: Mapping[str, Any]) -> dict[str, Any]:
    """A stack and its resolved services, with secrets masked."""
    return {
        "project": spec.project,
        "style": spec.style,
        "services": _masked(services, spec),
        "replicas": dict(spec.replicas),
    }


def _unescaped(value: Any) -> Any:
    """Undo Compose's doubling of each `$`, which makes its output a valid compose file."""
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
    """The text without secrets. The longest is replaced first, since one may be part of another."""
    for secret in sorted(filter(None, spec.secrets.values()), key=len, reverse=True):
        if text == secret:
            return MASK
        if len(secret) >= _SHORT:
            text = text.replace(secret, MASK)
    return text
