from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result

from drcli.cli import main
from drcli.contract.checkpoint_names import CheckpointName
from drcli.contract.keys import ModelKeys
from drcli.paths import Workspace
from drcli.store.checkpoints import CheckpointEntry, CheckpointIndex, publish_checkpoint
from drcli.store.client import Bucket
from drcli.store.metrics import EpisodeResult, TrainingMetrics
from drcli.store.server import ensure_server

Dr = Callable[..., Result]


@pytest.fixture
def dr(workspace: Workspace, free_port: int, monkeypatch: pytest.MonkeyPatch) -> Dr:
    """`dr` in an otherwise empty workspace."""
    workspace.system_env.write_text(f"DR_STORE_PORT={free_port}\n")
    workspace.run_env.write_text("")
    monkeypatch.chdir(workspace.root)
    return lambda *words: CliRunner().invoke(main, words)


def test_an_empty_bucket(dr: Dr) -> None:
    answer = dr("models")
    assert answer.exit_code == 0
    assert answer.stdout == ""
    assert "no model" in answer.stderr and "next: dr start-training" in answer.stderr
    assert json.loads(dr("models", "--json").stdout) == []


def test_in_containers_the_store_is_minio(
    dr: Dr, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is started when it is needed, and without an engine that is what is said."""
    workspace.run_env.write_text("DR_DOCKER_STYLE=compose\n")
    monkeypatch.setenv("DOCKER_HOST", f"unix://{workspace.root}/no.sock")
    answer = dr("models")
    assert answer.exit_code == 1
    assert "Docker" in answer.stderr and "unreachable" not in answer.stderr


def test_a_model(dr: Dr, workspace: Workspace, free_port: int) -> None:
    bucket, keys = Bucket(ensure_server(workspace, free_port, "bucket")), ModelKeys("quick")
    bucket.put(keys.params("training_params.yaml"), b"WORLD_NAME: 'drcli_harbour'\nRACE_TYPE: 'TIME_TRIAL'\n")
    metrics = TrainingMetrics()
    metrics.append("evaluation", EpisodeResult(9.0, 87.6, "off_track", 0.0, 8.0))
    bucket.put(keys.default_metrics, metrics.to_json())
    entry = CheckpointEntry(CheckpointName(4, 1024))
    publish_checkpoint(
        bucket, keys, entry.name, {"safetensors": b"w" * 2_500_000}, CheckpointIndex(entry, entry)
    )
    header, row = dr("models").stdout.splitlines()
    assert header.split()[:4] == ["model", "track", "race", "checkpoints"]
    assert row.split()[:7] == [
        "quick",
        "drcli_harbour",
        "TIME_TRIAL",
        "1",
        "87.00",
        "4_Step-1024.ckpt",
        "4_Step-1024.ckpt",
    ]
    (found,) = json.loads(dr("models", "--json").stdout)
    assert (found["prefix"], found["best_progress"], found["checkpoints"]) == ("quick", 87.0, 1)
    assert found["size_bytes"] > 2_500_000


def test_an_unreachable_store(dr: Dr, workspace: Workspace, free_port: int) -> None:
    credentials = workspace.root / "credentials"
    credentials.write_text("[nas]\naws_access_key_id = a\naws_secret_access_key = b\n")
    workspace.system_env.write_text(
        f"DR_CLOUD=remote\nDR_REMOTE_MINIO_URL=http://127.0.0.1:{free_port}\nDR_LOCAL_S3_PROFILE=nas\n"
    )
    answer = CliRunner().invoke(main, ["models"], env={"AWS_SHARED_CREDENTIALS_FILE": str(credentials)})
    assert answer.exit_code == 1
    assert f"http://127.0.0.1:{free_port} is unreachable" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_help_has_an_example() -> None:
    answer = CliRunner().invoke(main, ["models", "--help"])
    assert answer.exit_code == 0
    assert "  dr models --json" in answer.stdout
