"""What `dr doctor` says about a swarm and a store in a container, on an engine of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from second_node import FurtherEngine

from drcli.doctor import examination as examination
from drcli.doctor.examination import CHECKS, examine
from drcli.doctor.finding import Finding
from drcli.launch import simapp
from drcli.launch.docker import docker_engine, swarm_mode, swarm_nodes
from drcli.paths import Workspace
from drcli.workspace.scaffold import plan_workspace

pytestmark = pytest.mark.docker
Look = Callable[..., list[Finding]]


@pytest.fixture
def racer(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    for file in plan_workspace(workspace):
        file.write()
    monkeypatch.chdir(workspace.root)
    return workspace


@pytest.fixture
def look(racer: Workspace, monkeypatch: pytest.MonkeyPatch) -> Look:
    """Examine, with the checks of these areas alone."""

    def run(*areas: str, **settings: object) -> list[Finding]:
        monkeypatch.setattr(examination, "CHECKS", tuple(c for c in CHECKS if c.area in areas))
        return list(examine(None, [f"{name}={value}" for name, value in settings.items()]))

    return run


def levels(findings: list[Finding]) -> list[str]:
    return [finding.level for finding in findings]


def test_a_swarm_needs_nodes_and_labels(lone_engine: FurtherEngine, look: Look) -> None:
    (no_swarm,) = look("swarm", "network", DR_DOCKER_STYLE="swarm")
    assert no_swarm.level == "error" and "dr swarm init" in no_swarm.fix
    assert lone_engine.client.networks.list(names=["sagemaker-local"]) == []

    node = swarm_mode.init()
    assert levels(look("swarm", "network", DR_DOCKER_STYLE="swarm")) == ["ok", "ok"]

    theirs = {"DR_SIMAPP_SOURCE": "example/simapp", "DR_SIMAPP_VERSION": "1", "DR_WORKERS": 2}
    told = look("swarm", DR_DOCKER_STYLE="swarm", **theirs)
    assert any("IP_VS" in finding.message for finding in told) == (not swarm_nodes.has_ip_vs())

    swarm_nodes.label(node.id, sagemaker=False, robomaker=False)
    trainer, workers, _ = look("swarm", DR_DOCKER_STYLE="swarm")
    assert (trainer.level, workers.level) == ("error", "error")
    assert f"dr swarm label {node.hostname} --sagemaker" in trainer.fix
    assert f"dr swarm label {node.hostname} --robomaker" in workers.fix

    swarm_nodes.label(node.id, sagemaker=True, robomaker=True)
    lone_engine.docker("node", "update", "--availability", "drain", node.id)
    drained = look("swarm", DR_DOCKER_STYLE="swarm")
    assert levels(drained) == ["warning", "error", "error"]
    assert f"--availability active {node.hostname}" in drained[0].fix


def test_an_image_of_ours_has_to_be_there_one_of_a_registry_comes(
    lone_engine: FurtherEngine, look: Look
) -> None:
    (ours,) = look("image", DR_DOCKER_STYLE="swarm", DR_CLOUD="aws")
    assert (ours.level, ours.fix) == ("error", "`dr images build`")
    (named,) = look(
        "image", DR_DOCKER_STYLE="swarm", DR_CLOUD="aws", DR_SIMAPP_SOURCE=f"example.net/{simapp.ENGINE}"
    )
    assert named.level == "warning" and "docker pull example.net/" in named.fix


def test_a_minio_of_this_workspace_and_one_of_another(
    lone_engine: FurtherEngine, base_image: str, racer: Workspace, look: Look, free_port: int
) -> None:
    lone_engine.load(base_image)
    labels = {
        docker_engine.COMPOSE_PROJECT: "s3",
        docker_engine.COMPOSE_SERVICE: "minio",
        docker_engine.COMPOSE_NUMBER: "1",
    }
    style = {"DR_DOCKER_STYLE": "compose", "DR_STORE_PORT": free_port, "DR_MINIO_IMAGE": base_image}

    def start(owner: str) -> Any:
        ports = {"9000/tcp": ("127.0.0.1", free_port)}
        return lone_engine.client.containers.run(
            base_image,
            ["sleep", "600"],
            detach=True,
            labels=labels | {docker_engine.WORKSPACE: owner},
            ports=ports,
        )

    container = start(str(racer.root))
    found = look("ports", **style)
    assert levels(found) == ["ok"] and "the store of this workspace" in found[0].message
    (other,) = look("ports", **style | {"DR_STORE_PORT": free_port + 1})
    assert other.level == "error" and f"is running on port {free_port}" in other.message
    container.remove(force=True)

    start("/somewhere/else")
    owned, image = look("store", **style)
    assert owned.level == "error" and "/somewhere/else" in owned.message and "dr store stop" in owned.fix
    assert image.level == "ok" and base_image in image.message
