from __future__ import annotations

import socket
import threading
from collections.abc import Callable

import pytest
from polling import DEADLINE_S

from drcli.config.load import settings_of
from drcli.config.settings import Settings
from drcli.contract.checkpoint_names import CheckpointName
from drcli.contract.keys import ModelKeys
from drcli.launch import workspace_summary
from drcli.launch.processes.process_folder import ProcessFolder
from drcli.paths import Workspace
from drcli.store.checkpoints import CheckpointEntry, CheckpointIndex, publish_checkpoint
from drcli.store.client import Bucket
from drcli.store.server import ensure_server


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workspace_summary, "WAIT_S", DEADLINE_S)


def settings(**values: object) -> Settings:
    return settings_of({f"DR_{key.upper()}": str(value) for key, value in values.items()})


def test_checkpoints_in_a_store_that_runs(workspace: Workspace, free_port: int) -> None:
    bucket, keys = Bucket(ensure_server(workspace, free_port, "bucket")), ModelKeys("model")
    entry = CheckpointEntry(CheckpointName(4, 1024))
    publish_checkpoint(bucket, keys, entry.name, {"safetensors": b"w"}, CheckpointIndex(entry, entry))
    seen = workspace_summary.summary(settings(store_port=free_port, local_s3_model_prefix="model"), workspace)
    assert (seen["bucket"]["state"], seen["bucket"]["checkpoints"]) == ("reachable", 1)
    assert seen["bucket"]["endpoint_url"] == f"http://127.0.0.1:{free_port}"


def test_what_runs(
    workspace: Workspace, started: Callable[..., ProcessFolder], until: Callable[..., object]
) -> None:
    started(run_id=3, prefix="other", sagemaker="steady", robomaker="steady", replicas=2)

    def running() -> list[dict[str, object]]:
        rows: list[dict[str, object]] = workspace_summary.summary(settings(), workspace)["running"]
        return rows if rows and rows[0]["workers"] == 2 else []

    (row,) = until(running)  # type: ignore[misc]
    assert (row["kind"], row["run_id"], row["model"], row["style"]) == ("training", 3, "other", "process")


def test_who_does_not_answer_is_not_waited_for(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workspace_summary, "WAIT_S", 0.05)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()  # accepts, and never says a word
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        before = set(threading.enumerate())
        seen = workspace_summary.summary(
            settings(
                cloud="remote", remote_minio_url=url, local_access_key_id="a", local_secret_access_key="b"
            ),
            workspace,
        )
        late = set(threading.enumerate()) - before
        assert seen["bucket"]["state"] == "unknown" and "no response within" in seen["bucket"]["message"]
        assert all(thread.daemon for thread in late)


def test_a_bug_is_not_taken_for_silence(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_settings: Settings, _workspace: Workspace) -> None:
        raise KeyError("bug")

    monkeypatch.setattr(workspace_summary, "_bucket", broken)
    with pytest.raises(KeyError):
        workspace_summary.summary(settings(), workspace)
