"""Stacks put together without Docker look as Docker's own client resolves them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from stack_requests import stack_of

from drcli.config.load import settings_of
from drcli.launch.docker.docker_machine import owner
from drcli.launch.docker.draft import drafted
from drcli.launch.docker.minio_spec import minio_spec
from drcli.launch.docker.resolve import describe
from drcli.launch.docker.stack_spec import StackSpec
from drcli.launch.machine import Machine
from drcli.paths import Workspace

KEYS = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG"}
COMMUNITY = {"DR_SIMAPP_SOURCE": "awsdeepracercommunity/deepracer-simapp", "DR_SIMAPP_VERSION": "6.0.4-cpu"}


def specs(workspace: Workspace) -> list[StackSpec]:
    found = []
    for style in ("compose", "swarm"):
        for engine in ({}, COMMUNITY):
            settings = settings_of({"DR_DOCKER_STYLE": style, "DR_WORKERS": "3", **engine})
            for kind in ("training", "evaluation"):
                found.append(stack_of(settings, workspace, KEYS, Machine(cores=4), kind))  # type: ignore[arg-type]
    return [*found, minio_spec(settings_of({"DR_DOCKER_STYLE": "compose"}), workspace, KEYS, owner())]


def facts(shown: dict[str, Any]) -> object:
    services = {
        name: (service["image"], service["command"], service.get("environment") or {})
        for name, service in shown["services"].items()
    }
    return shown["project"], shown["style"], shown["replicas"], services


@pytest.mark.docker
def test_it_is_what_compose_says(workspace: Workspace) -> None:
    for spec in specs(workspace):
        assert facts(drafted(spec)) == facts(describe(spec))


def test_no_secret_is_shown(workspace: Workspace) -> None:
    for spec in specs(workspace):
        text = json.dumps(drafted(spec))
        assert not [secret for secret in KEYS.values() if secret in text]
        assert "${" not in text
