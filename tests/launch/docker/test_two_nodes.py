"""A training over two real engines: workers on both, laps completed, one engine killed and back again."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from racing import ENDLESS, QUICK, Racer
from run_accounts import check_accounts
from second_node import TwoNodes

from drcli.config.load import load_settings
from drcli.launch.docker import swarm_nodes
from drcli.launch.store_access import store_config
from drcli.store.client import Bucket

pytestmark = [pytest.mark.docker, pytest.mark.slow]
Until = Callable[..., Any]


@pytest.fixture(scope="module")
def racer(
    two_nodes: TwoNodes, new_racer: Callable[[], Racer], simapp_image: str, minio_image: str
) -> Iterator[Racer]:
    """Somebody whose training of two workers runs over both nodes, with the default model."""
    two_nodes.second.load(simapp_image)
    racer = new_racer()
    settings = {
        "DR_WORLD_NAME": "drcli_oval",
        "DR_CARS_PER_WORKER": "8",
        "DR_WORKERS": "2",
        "DR_RUN_ID": "61",
        "DR_SIMAPP_VERSION": "test",
        "DR_MINIO_IMAGE": minio_image,
        "DR_DOCKER_STYLE": "swarm",
        "DR_LOCAL_S3_MODEL_PREFIX": "model",
        "DR_SEED": "1",
        "DR_TRAIN_EVAL_INTERVAL": "2",
    }
    racer.write_run_env(**QUICK | settings)
    racer.write_hyperparameters(
        ENDLESS | {"num_steps_between_training": 256, "lr": 0.0007, "discount_factor": 0.97}
    )
    try:
        started = racer.dr("start-training", "-q")
        assert started.returncode == 0, started.stderr
        yield racer
    finally:
        racer.dr("stop-all", "-y")


def places(racer: Racer) -> set[str]:
    """The nodes on which workers run."""
    return {
        s["node"] for s in racer.status()["services"] if s["name"] != "sagemaker" and s["state"] == "running"
    }


def test_workers_on_both_complete_laps(racer: Racer, two_nodes: TwoNodes, until: Until) -> None:
    assert places(racer) == {socket.gethostname(), two_nodes.second.hostname}
    until(lambda: (racer.status()["evaluation_progress"] or 0) == 100, 400, 1.0)
    other = next(s for s in racer.status()["services"] if s["node"] == two_nodes.second.hostname)
    number = other["name"].rpartition("-")[2]
    assert "SIM_TRACE_LOG" in racer.invoke("logs", "robomaker", "-n", number, "--tail", "200").stdout


def test_a_node_is_lost_and_comes_back(racer: Racer, two_nodes: TwoNodes, until: Until) -> None:
    two_nodes.second.kill()
    until(lambda: not swarm_nodes.find_node(two_nodes.second.hostname).is_ready, 60)
    until(lambda: racer.status()["workers"] == 1, 120)
    iteration = racer.status()["iteration"]
    until(lambda: racer.status()["iteration"] > iteration + 2, 120)
    assert racer.status()["state"] == "running"
    two_nodes.second.restart()
    until(lambda: swarm_nodes.find_node(two_nodes.second.hostname).is_ready, 60)
    until(lambda: racer.status()["workers"] == 2, 180)
    assert two_nodes.second.hostname in places(racer)
    iteration = racer.status()["iteration"]
    until(lambda: racer.status()["iteration"] > iteration + 2, 120)
    assert racer.invoke("stop-training").exit_code == 0
    check_accounts(Bucket(store_config(load_settings(racer.workspace, ()), racer.workspace)))
