"""A run with the community's engine and a MinIO of the workspace, on the real engine."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from apart import COMMUNITY
from racing import Racer

from drcli.launch.docker import containers

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
        assert any(f"AWS_SECRET_ACCESS_KEY={secret}" in given for secret in keys.values())
        stopped = racer.invoke("stop-all")
        assert "The store has stopped." in stopped.stdout
        assert containers.of_project("deepracer-61") + containers.started_by_coach(61) == []
    finally:
        racer.dr("stop-all", "-y")
