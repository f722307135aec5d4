from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from threading import Thread

import pytest

from drcli.config.load import settings_of
from drcli.config.settings import Settings
from drcli.errors import DrError
from drcli.launch import log_sources, run_control
from drcli.launch.processes.process_folder import ProcessFolder
from drcli.paths import Workspace
from drcli.store.server import ensure_server, stop_server

Started = Callable[..., ProcessFolder]
Until = Callable[..., object]


def settings(run_id: int = 0) -> Settings:
    return settings_of({"DR_RUN_ID": str(run_id)})


def test_which_log(workspace: Workspace) -> None:
    with pytest.raises(DrError, match=r"no log .*sagemaker\.log") as caught:
        log_sources.read(settings(), workspace, "training", "sagemaker")
    assert "Nothing has run under this run id yet" in caught.value.hint
    folder = ProcessFolder.of(workspace, "training", 3)
    folder.logs.mkdir(parents=True)
    for name in ("sagemaker", "robomaker-1", "robomaker-2"):
        folder.log(name).write_text(f"I am {name}\n")
    assert list(log_sources.read(settings(3), workspace, "training", "robomaker", replica=2)) == [
        "I am robomaker-2"
    ]
    with pytest.raises(DrError) as caught:
        log_sources.read(settings(3), workspace, "training", "robomaker", replica=3)
    assert caught.value.hint == "Logs exist for robomaker-1, robomaker-2, sagemaker."


def test_more_comes_as_long_as_the_run_goes_on(workspace: Workspace, started: Started, until: Until) -> None:
    folder = started(sagemaker="steady")
    until(lambda: "ready" in folder.log("sagemaker").read_text())
    lines = log_sources.read(settings(), workspace, "training", "sagemaker", follow=True)
    assert next(lines).startswith("ready")
    Thread(target=run_control.stop, args=(workspace, "training", 0)).start()
    assert list(lines) == ["asked to stop"]


def test_more_comes_as_long_as_the_store_runs(workspace: Workspace, free_port: int) -> None:
    ensure_server(workspace, free_port, "bucket")
    lines = log_sources.read(settings(), workspace, "training", "minio", follow=True)
    first = next(lines)
    stop_server(workspace)
    assert workspace.store_log.read_text().splitlines() == list(chain([first], lines))
