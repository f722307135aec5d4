"""A run with the community's engine and a MinIO of the workspace, on the real engine."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from racing import Racer
from separate_engines import COMMUNITY

from drcli.launch.docker import containers, docker_engine, stack_network

pytestmark = pytest.mark.docker


def test_with_minio(new_racer: Callable[[], Racer], community_image: str, minio_image: str) -> None:
    """On the real engine with a store of its own, which the containers reach by its name."""
    racer = new_racer()
    settings = {"DR_DOCKER_STYLE": "compose", "DR_RUN_ID": "61", "DR_WORLD_NAME": "reinvent_base"}
    racer.write_run_env(**COMMUNITY | settings, DR_MINIO_IMAGE=minio_image, DR_LOCAL_S3_MODEL_PREFIX="model")
    try:
        started = racer.dr("start-training", "-q")
        assert started.returncode == 0, started.stderr
        assert racer.status()["store"]["state"] == "running"
        given = racer.invoke("logs", "robomaker", "--tail", "0").stdout
        assert "S3_ENDPOINT_URL=http://minio:9000" in given
        keys = json.loads(racer.workspace.store_key.read_text())
        assert "AWS_ACCESS_KEY_ID=deepracer-61" in given
        assert not any(secret in given for secret in keys.values())
        stopped = racer.invoke("stop-all")
        assert "The store has stopped." in stopped.stdout
        assert containers.of_project("deepracer-61") + containers.started_by_coach(61) == []
    finally:
        racer.dr("stop-all", "-y")


DRFC = """
services:
  minio:
    image: {image}
    command: server /data --console-address ":9001"
    ports: ["127.0.0.1:{port}:9000"]
    environment: {{MINIO_ROOT_USER: minioadmin, MINIO_ROOT_PASSWORD: minioadmin}}
    volumes: ["{data}:/data"]
networks:
  default: {{name: sagemaker-local, external: true}}
"""


def test_the_minio_that_deepracer_for_cloud_has_started(
    new_racer: Callable[[], Racer], community_image: str, minio_image: str
) -> None:
    """It is used with its profile, and stays when all that is ours stops."""
    racer = new_racer()
    settings = {"DR_DOCKER_STYLE": "compose", "DR_RUN_ID": "61", "DR_WORLD_NAME": "reinvent_base"}
    settings |= {"DR_LOCAL_S3_PROFILE": "minio", "DR_LOCAL_S3_MODEL_PREFIX": "model"}
    racer.write_run_env(**COMMUNITY | settings, DR_MINIO_IMAGE=minio_image)
    aws = Path(racer.environment["HOME"]) / ".aws"
    aws.mkdir()
    keys = "aws_access_key_id = minioadmin\naws_secret_access_key = minioadmin\n"
    (aws / "credentials").write_text(f"[minio]\n{keys}")
    (racer.workspace.store / "bucket").mkdir(parents=True)
    file = racer.root / "docker-compose-local.yml"
    file.write_text(DRFC.format(image=minio_image, port=racer.port, data=racer.workspace.store))
    stack_network.ensure_network("compose")
    try:
        docker_engine.run(["compose", "-f", str(file), "-p", "s3", "up", "-d"])
        (before,) = containers.of_project("s3")
        started = racer.dr("start-training", "-q")
        assert started.returncode == 0, started.stderr
        assert json.loads(racer.dr("store", "status", "--json").stdout)["running"]
        given = racer.dr("logs", "robomaker", "--tail", "0").stdout
        assert "AWS_ACCESS_KEY_ID=deepracer-61" in given and "minioadmin" not in given
        assert racer.dr("stop-all").returncode == 0
        assert [c.id for c in containers.of_project("s3") if c.status == "running"] == [before.id]
        assert containers.of_project("deepracer-61") == []
    finally:
        racer.dr("stop-all", "-y")
        containers.remove(containers.of_project("s3"))


def test_an_image_under_its_former_name(
    new_racer: Callable[[], Racer], community_image: str, minio_image: str
) -> None:
    """Pulled as minio/minio while that was on Docker Hub."""
    racer, former = new_racer(), "minio/minio:drcli-test"
    racer.write_run_env(**COMMUNITY | {"DR_DOCKER_STYLE": "compose", "DR_MINIO_IMAGE": "drcli-test"})
    missing = racer.dr("store", "start")
    assert (missing.returncode, "docker pull quay.io/minio/minio:drcli-test" in missing.stderr) == (1, True)
    docker_engine.run(["tag", minio_image, former])
    try:
        started = racer.dr("store", "start")
        assert started.returncode == 0, started.stderr
        assert [c.attrs["Config"]["Image"] for c in containers.of_project("s3")] == [former]
    finally:
        racer.dr("stop-all", "-y")
        docker_engine.run(["rmi", former])


def test_models_starts_it(new_racer: Callable[[], Racer], minio_image: str) -> None:
    """As all commands that need the bucket do."""
    racer = new_racer()
    racer.write_run_env(DR_DOCKER_STYLE="compose", DR_MINIO_IMAGE=minio_image)
    try:
        assert not json.loads(racer.invoke("store", "status", "--json").stdout)["running"]
        found = racer.invoke("models")
        assert found.exit_code == 0, found.stderr
        assert "contains no models" in found.stderr
        assert json.loads(racer.invoke("store", "status", "--json").stdout)["running"]
    finally:
        racer.invoke("store", "stop")
