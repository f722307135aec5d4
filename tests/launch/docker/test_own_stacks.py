"""The stacks of our own engine over the whole matrix of settings, each resolved by Docker's own client."""

from __future__ import annotations

import json
import socket
from contextlib import suppress
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from stack_requests import stack_of, swarm_model

from drcli.config.load import settings_of
from drcli.config.settings import Settings
from drcli.launch.docker import port_ranges
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
        assert service["init"]
        check_ports(service, kind, is_watched=style == "compose" and name == "robomaker")
        assert ("logging" in service) == (cloud_watch == "True")
        placed = service.get("deploy", {}).get("placement", {}).get("constraints", [])
        label = "Sagemaker" if name == "sagemaker" else "Robomaker"
        assert placed == ([f"node.labels.{label} == true"] if style == "swarm" else [])
    if kind == "training":
        check_training(services, style, flavour)


def check_ports(service: dict[str, Any], kind: str, *, is_watched: bool) -> None:
    first = 8080 if kind == "training" else 8180
    (port,) = service.get("ports") if is_watched else [None]
    if port is None:
        assert not service.get("ports")
        return
    assert port["host_ip"] == "127.0.0.1"  # nobody else sees the pictures
    assert (port["published"], port["target"]) == (f"{first}-{first + 9}", first)
    assert service["environment"]["DR_CAMERA_PORT"] == str(first)


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
        (mount,) = worker["volumes"]  # type: ignore[misc]
        assert (mount["type"], mount["source"]) == ("bind", "/home/racer/ws/data/logs/3/training")
        assert worker["environment"]["DR_REWARD_LOG_DIR"] == mount["target"]  # type: ignore[index]


@pytest.mark.docker
@pytest.mark.parametrize(("owner", "user"), [("1001", "1001:100"), ("0", None), ("", None)])
def test_workers_write_as_the_workspace_s_owner_but_never_as_root(owner: str, user: str | None) -> None:
    machine = Machine(owner={"MINIO_UID": owner, "MINIO_GID": "100"})
    settings = settings_of({"DR_DOCKER_STYLE": "compose"})
    worker = resolve(stack_of(settings, WORKSPACE, KEYS["own"], machine))["services"]["robomaker"]
    assert worker.get("user") == user


@pytest.mark.parametrize(
    ("busy", "workers", "ports"),
    [
        ((), 2, "8080-8089"),
        ((8080, 8081), 2, "8082-8091"),
        ((8085, 8100), 12, "8086-8097"),
        ((), 30, "8080-8109"),
    ],
)
def test_no_range_has_a_port_that_somebody_has(busy: tuple[int, ...], workers: int, ports: str) -> None:
    settings = settings_of({"DR_DOCKER_STYLE": "compose", "DR_WORKERS": str(workers)})
    spec = stack_of(settings, WORKSPACE, KEYS["own"], Machine(busy_ports=frozenset(busy)))
    assert spec.variables["DRCLI_CAMERA_PORTS"] == ports
    theirs = {"DR_SIMAPP_SOURCE": "awsdeepracercommunity/deepracer-simapp", "DR_SIMAPP_VERSION": "6.0.4-cpu"}
    settings = settings_of({"DR_DOCKER_STYLE": "compose", "DR_WORKERS": str(workers)} | theirs)
    spec = stack_of(settings, WORKSPACE, KEYS["own"], Machine(busy_ports=frozenset(busy)))
    assert spec.variables["DR_ROBOMAKER_TRAIN_PORT"] == ports


def test_a_port_on_which_somebody_listens_is_busy() -> None:
    with socket.socket() as other:
        for port in range(8390, 8400):
            with suppress(OSError):
                other.bind(("127.0.0.1", port))
                other.listen()
                break
        assert other.getsockname()[1] in port_ranges.busy_ports()
        more = port_ranges.for_more({"DRCLI_CAMERA_PORTS": f"{other.getsockname()[1]}-8400", "A": "1"}, 3)
        assert set(more) == {"DRCLI_CAMERA_PORTS"}
        assert int(more["DRCLI_CAMERA_PORTS"].split("-")[0]) > other.getsockname()[1]


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
