"""Merges a stack's compose files without Docker, for `--dry-run` if Docker's client is not installed.

It supports what our own files use: merged maps, appended lists, `${NAME}`, `${NAME:-default}`, and names without a
value. Stacks are always started by Docker itself, never from this merge.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from drcli.launch.docker.resolve import shown
from drcli.launch.docker.stack_spec import StackSpec

_VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?::-(?P<default>[^}]*))?\}")


def drafted(spec: StackSpec) -> dict[str, Any]:
    """Like `resolve.describe`: project, style, services, replicas, with secrets masked."""
    import yaml

    services: dict[str, Any] = {}
    for path in spec.paths:
        services = _merged(services, yaml.safe_load(path.read_text(encoding="utf-8"))["services"])
    return shown(spec, {name: _service(service, spec.environment) for name, service in services.items()})


def _merged(before: Any, more: Any) -> Any:
    if isinstance(before, dict) and isinstance(more, dict):
        added = {key: _merged(before[key], value) if key in before else value for key, value in more.items()}
        return before | added
    if isinstance(before, list) and isinstance(more, list):
        return [*before, *more]
    return more


def _service(service: Mapping[str, Any], values: Mapping[str, str]) -> dict[str, Any]:
    given: dict[str, Any] = _filled(dict(service), values)
    environment = given.get("environment", {})
    passed_on = {name: values.get(name) for name, value in environment.items() if value is None}
    return given | {"environment": environment | passed_on}


def _filled(value: Any, values: Mapping[str, str]) -> Any:
    """Replace the variables in all strings by their values."""
    if isinstance(value, dict):
        return {_filled(key, values): _filled(item, values) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, values) for item in value]
    if not isinstance(value, str):
        return value
    return _VARIABLE.sub(lambda found: values.get(found["name"]) or found["default"] or "", value)
