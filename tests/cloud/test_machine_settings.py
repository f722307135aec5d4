"""What a machine changes in the settings: the bucket, and nothing of what the user wants to learn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from drcli.cloud.cloud_job import CloudJob
from drcli.cloud.machine_settings import allowed_overrides, machine_values, settle
from drcli.config.load import load_settings
from drcli.launch.store_access import store_config
from drcli.paths import Workspace

JOB = CloudJob("night", "far-away", "eu-west-1", ("start-training",), (), 3.0, False)
SYSTEM = "DR_CLOUD=local\nDR_LOCAL_S3_PROFILE=mine\nDR_WORKERS=3 # cores\nDR_DOCKER_STYLE=swarm\n"


@pytest.mark.parametrize("run", ["DR_WORLD_NAME=a\n", "DR_LOCAL_S3_BUCKET=near\nDR_CLOUD=local\n"])
def test_the_machine_uses_its_bucket_and_its_role(make_workspace: Callable[..., Workspace], run: str) -> None:
    workspace = make_workspace(system=SYSTEM, run=run)
    settle(workspace, JOB)
    settle(workspace, JOB)  # a second time changes nothing
    settings = load_settings(workspace)
    assert (settings.cloud, settings.docker_style, settings.workers) == ("aws", "process", 3)
    config = store_config(settings, workspace)
    assert (config.bucket, config.region, config.endpoint_url) == ("far-away", "eu-west-1", None)
    assert (config.profile, config.access_key) == (None, None)
    assert settings.notices == ()
    assert "DR_WORKERS=3 # cores\n" in workspace.system_env.read_text()


def test_another_server_than_that_of_aws(make_workspace: Callable[..., Workspace]) -> None:
    workspace = make_workspace(system=SYSTEM, experiment="one")
    settle(workspace, replace(JOB, endpoint_url="http://127.0.0.1:9000"))
    assert store_config(load_settings(workspace), workspace).endpoint_url == "http://127.0.0.1:9000"


def test_overrides_that_contradict_the_machine() -> None:
    job = replace(JOB, overrides=("DR_SEED=1", "DR_CLOUD=local", "DR_DOCKER_STYLE=compose"))
    assert allowed_overrides(job) == (("DR_SEED=1",), ("DR_CLOUD=local", "DR_DOCKER_STYLE=compose"))
    assert set(machine_values(JOB)) == set(machine_values(replace(JOB, endpoint_url="http://x")))
