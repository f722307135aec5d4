"""Our engine's image, built once for all tests that run it; further engines (second_node.py)."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from drcli.errors import DrError
from drcli.launch.docker import all_stacks, containers, docker_engine, images, swarm_nodes, swarm_services
from drcli.launch.docker.build_log import NEEDS_NETWORK
from drcli.local import lock

sys.path.append(str(Path(__file__).parent))  # test modules here import second_node

import standins
from racing import new_racer
from second_node import lone_engine, lone_engine_of_module, one_node_swarm, two_lone_nodes, two_nodes

__all__ = [
    "lone_engine",
    "lone_engine_of_module",
    "new_racer",
    "one_node_swarm",
    "two_lone_nodes",
    "two_nodes",
]

BASE = os.environ.get("DR_TEST_BASE_IMAGE", "drbase:bookworm")


@pytest.fixture(scope="session")
def base_image() -> str:
    """A small image with Python that is on this machine: DR_TEST_BASE_IMAGE."""
    try:
        if not images.exists(BASE):
            pytest.skip(f"there is no image {BASE}; DR_TEST_BASE_IMAGE names another")
    except DrError as error:
        pytest.skip(error.message)
    return BASE


@pytest.fixture(scope="session")
def simapp_image(base_image: str) -> str:
    """The image, of the code as it is now, under a name of its own: DR_SIMAPP_VERSION=test.

    It stays: the next session, or one beside this, builds it from Docker's cache in seconds.
    """
    try:
        return images.build(images.BuildOptions(base=base_image, tag="test"), lambda _: None)
    except DrError as error:
        if error.hint == NEEDS_NETWORK:
            pytest.skip(error.message)
        raise


@pytest.fixture(scope="session")
def minio_image(base_image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An image that serves S3 under MinIO's command line. A machine has one MinIO, so one session at a time."""
    with lock(Path(tempfile.gettempdir()) / "drcli-tests-s3.lock"):
        _remove_leftovers()
        yield standins.build_minio(tmp_path_factory.mktemp("minio"))
        _remove_leftovers()


def _remove_leftovers() -> None:
    """Of tests that broke off; never of a real workspace."""
    for project in all_stacks.projects():
        labels = [c.labels for c in containers.of_project(project)]
        if swarm_nodes.swarm_state().is_manager:
            labels += [service.attrs["Spec"]["Labels"] for service in swarm_services.of_stack(project)]
        if all("pytest-of-" in one.get(docker_engine.WORKSPACE, "") for one in labels):
            all_stacks.remove(project)


@pytest.fixture(scope="session")
def community_image(base_image: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """An image that records what it was given as the community's engine; without the tag."""
    return standins.build_community(tmp_path_factory.mktemp("community"))
