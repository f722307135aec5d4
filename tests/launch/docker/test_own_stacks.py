"""The stacks of our own engine over the whole matrix of settings, each resolved by Docker's own client."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path

import pytest
from stack_requests import stack_of, swarm_model

from drcli.config.load import settings_of
from drcli.config.settings import Settings
from drcli.launch.docker.deployment import max_per_node
from drcli.launch.docker.resolve import describe, resolve
from drcli.launch.docker.stack_spec import StackSpec
from drcli.launch.machine import Machine
from drcli.paths import Workspace, compose_dir

WORKSPACE = Workspace(Path("/home/racer/ws"))
SECRET = "5ecret" * 10
KEYS = {
    "own": {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "wJalr$XUtnFEMI/K7MDENG"},
    "token": {
        "AWS_ACCESS_KEY_ID": "ASIAEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "wJalr",
        "AWS_SESSION_TOKEN": "Fwo=" * 9,
    },
    "role": None,
}
CLOUDS = {
    "local": ({"DR_CLOUD": "local"}, "http://minio:9000"),
    "azure": ({"DR_CLOUD": "azure"}, "http://minio:9000"),
    "remote": ({"DR_CLOUD": "remote", "DR_REMOTE_MINIO_URL": "http://nas:9000"}, "http://nas:9000"),
    "aws": ({"DR_CLOUD": "aws"}, ""),
}
KINDS, STYLES = ("training", "evaluation"), ("compose", "swarm")
MATRIX = list(product(KINDS, STYLES, CLOUDS, KEYS, ("cpu", "gpu"), ("False", "True")))


def spec_of(kind: str, style: str, cloud: str, keys: str, flavour: str, cloud_watch: str) -> StackSpec:
    words = CLOUDS[cloud][0] | {
        "DR_DOCKER_STYLE": style,
        "DR_CLOUD_WATCH_ENABLE": cloud_watch,
        "DR_RUN_ID": "3",
    }
    words |= {"DR_WORKERS": "5", "DR_LOCAL_S3_MODEL_PREFIX": "mine", "DR_SIMAPP_VERSION": f"9.9.9-{flavour}"}
    settings: Settings = settings_of(words)
    machine = Machine(cores=4, worker_nodes=2)
    if kind == "evaluation":
        return stack_of(settings, WORKSPACE, KEYS[keys], machine, "evaluation", "mine-E")
    return stack_of(settings, WORKSPACE, KEYS[keys], machine)


@pytest.mark.docker
@pytest.mark.parametrize("style", ["compose", "swarm"])
@pytest.mark.parametrize("kind", ["training", "evaluation"])
def test_every_combination_resolves(kind: str, style: str) -> None:
    for case in MATRIX:
        if case[:2] == (kind, style):
            check(spec_of(*case), *case)


def check(
    spec: StackSpec, kind: str, style: str, cloud: str, keys: str, flavour: str, cloud_watch: str
) -> None:
    model = resolve(spec)
    if style == "swarm":
        swarm_model(spec)
    services = model["services"]
    assert set(services) == ({"sagemaker", "robomaker"} if kind == "training" else {"robomaker"})
    assert model["networks"]["default"] == {"name": "sagemaker-local", "ipam": {}, "external": True}
    given = KEYS[keys] or {}
    for name, service in services.items():
        environment = service["environment"]
        assert service["image"].endswith(flavour)
        assert environment["S3_ENDPOINT_URL"] == CLOUDS[cloud][1]
        assert environment["DR_CONTAINER"] == "1"
        assert environment["MODEL_S3_PREFIX"] == ("mine" if kind == "training" else "mine-E")
        assert ("AWS_ACCESS_KEY_ID" in environment) == (keys != "role")
        assert {k: environment[k] for k in given} == given
        unknown = {k for k, v in environment.items() if v is None} - {"DR_WIRE_SECRET"}
        assert not unknown, f"{name}: nobody tells {unknown}"
        assert service["labels"]["drcli.workspace"] == str(WORKSPACE.root)
        assert service["init"] and not service.get("ports")
        assert ("logging" in service) == (cloud_watch == "True")
        placed = service.get("deploy", {}).get("placement", {}).get("constraints", [])
        label = "Sagemaker" if name == "sagemaker" else "Robomaker"
        assert placed == ([f"node.labels.{label} == true"] if style == "swarm" else [])
    if kind == "training":
        check_training(services, style, flavour)


def check_training(services: dict[str, dict[str, object]], style: str, flavour: str) -> None:
    trainer, worker = services["sagemaker"], services["robomaker"]
    assert trainer["networks"] == {"default": {"aliases": ["deepracer-3-sagemaker"]}}
    assert worker["environment"]["DR_WIRE_ENDPOINT"] == "tcp://deepracer-3-sagemaker:5555"  # type: ignore[index]
    assert ("NVIDIA_VISIBLE_DEVICES" in trainer["environment"]) == (flavour == "gpu")  # type: ignore[operator]
    assert "NVIDIA_VISIBLE_DEVICES" not in worker["environment"]  # type: ignore[operator]
    if style == "swarm":
        deploy: dict[str, object] = worker["deploy"]  # type: ignore[assignment]
        assert (deploy["replicas"], deploy["endpoint_mode"]) == (5, "dnsrr")
        assert deploy["placement"]["max_replicas_per_node"] == 3  # type: ignore[index]
    else:
        devices = "resources" in trainer.get("deploy", {})  # type: ignore[operator]
        assert devices == (flavour == "gpu")


def test_workers_are_shared_out() -> None:
    assert [max_per_node(workers, nodes) for workers, nodes in ((5, 1), (5, 2), (4, 2), (1, 3))] == [
        "0",
        "3",
        "2",
        "1",
    ]


@pytest.mark.docker
def test_no_secret_is_shown() -> None:
    spec = spec_of("training", "compose", "aws", "token", "cpu", "False")
    shown = json.dumps(describe(spec)) + repr(spec) + json.dumps(spec.to_document())
    assert not [secret for secret in (KEYS["token"] or {}).values() if secret in shown]


def test_every_file_is_used() -> None:
    used = {name for case in MATRIX for name in spec_of(*case).files}
    assert used == {f"drcli/{path.name}" for path in (compose_dir() / "drcli").glob("*.yml")}
