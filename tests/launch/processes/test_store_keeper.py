from __future__ import annotations

import socket
from collections.abc import Callable

import psutil
import pytest

from drcli.launch import local_process, run_control
from drcli.launch.processes import store_keeper
from drcli.launch.processes.process_folder import ProcessFolder
from drcli.launch.processes.process_plan import EmbeddedServer
from drcli.launch.processes.store_keeper import StoreKeeper
from drcli.paths import Workspace
from drcli.store.client import Bucket
from drcli.store.server import ensure_server, server_status, stop_server
from drcli.store.server_process import is_over

Until = Callable[..., object]


def kill_server(workspace: Workspace, until: Until) -> None:
    killed = psutil.Process(server_status(workspace).pid)
    killed.kill()
    until(lambda: is_over(killed))


def test_the_supervisor_brings_the_store_back(
    workspace: Workspace, free_port: int, started: Callable[..., ProcessFolder], until: Until
) -> None:
    config = ensure_server(workspace, free_port, "bucket")
    Bucket(config).put("a", b"kept")
    folder = started(sagemaker="steady", store=EmbeddedServer(str(workspace.root), free_port, "bucket"))
    kill_server(workspace, until)
    until(lambda: "The store had stopped and was restarted." in folder.supervisor_log.read_text())
    assert Bucket(config).get("a") == b"kept"
    running = psutil.Process(server_status(workspace).pid)
    assert config.secret_key not in " ".join(running.cmdline())
    run_control.stop(workspace, "training", 0)
    assert running.is_running()  # it outlives the run


def test_a_stack_that_is_stopped_gets_its_store_back_too(
    workspace: Workspace,
    free_port: int,
    started: Callable[..., ProcessFolder],
    until: Until,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The trainer writes its last checkpoint there."""
    monkeypatch.setenv("TOY_PORT", str(free_port))
    ensure_server(workspace, free_port, "bucket")
    folder = started(sagemaker="patient", store=EmbeddedServer(str(workspace.root), free_port, "bucket"))
    until(lambda: "ready" in folder.log("sagemaker").read_text())
    kill_server(workspace, until)
    assert run_control.stop(workspace, "training", 0)
    assert folder.exit_code("sagemaker") == 0


def test_it_comes_back_before_a_service_does(workspace: Workspace, free_port: int, until: Until) -> None:
    ensure_server(workspace, free_port, "bucket")
    said: list[str] = []
    keeper = StoreKeeper(EmbeddedServer(str(workspace.root), free_port, "bucket"), said.append)
    keeper.look()
    assert said == []
    kill_server(workspace, until)
    keeper.look(now=True)  # long before it would be time
    assert server_status(workspace).running
    assert len(said) == 1


def test_a_store_that_was_started_anew_meanwhile(
    workspace: Workspace, free_port: int, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_keeper, "LOOK_S", 0.0)
    ensure_server(workspace, free_port, "bucket")
    said: list[str] = []
    keeper = StoreKeeper(EmbeddedServer(str(workspace.root), free_port, "bucket"), said.append)
    keeper.look()
    stop_server(workspace)
    ensure_server(workspace, free_port, "bucket")
    pid = server_status(workspace).pid
    keeper.look()
    assert (server_status(workspace).pid, said) == (pid, [])


def test_what_cannot_be_mended_is_said_once(workspace: Workspace, free_port: int, until: Until) -> None:
    said: list[str] = []
    keeper = StoreKeeper(EmbeddedServer(str(workspace.root), free_port, "bucket"), said.append)
    with socket.create_server(("127.0.0.1", free_port)):
        keeper.look(now=True)
        keeper.look(now=True)
        assert len(said) == 1
        assert "cannot be restarted: Port" in said[0]
    keeper.look(now=True)
    assert server_status(workspace).running
    assert said[1:] == ["The store had stopped and was restarted."]
    local_process.reap()
