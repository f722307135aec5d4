from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result

from drcli.cli import main
from drcli.paths import Workspace
from drcli.store.server import server_status

Dr = Callable[..., Result]


@pytest.fixture
def dr(workspace: Workspace, free_port: int, monkeypatch: pytest.MonkeyPatch) -> Dr:
    """`dr` in an otherwise empty workspace."""
    workspace.system_env.write_text(f"DR_STORE_PORT={free_port}\n")
    workspace.run_env.write_text("")
    monkeypatch.chdir(workspace.root)
    return lambda *words: CliRunner().invoke(main, words)


def test_start_status_stop(dr: Dr, workspace: Workspace, free_port: int) -> None:
    assert json.loads(dr("store", "status", "--json").stdout) == {
        "running": False,
        "endpoint_url": None,
        "pid": None,
        "data": str(workspace.store),
        "log": str(workspace.store_log),
    }
    started = dr("store", "start")
    assert started.exit_code == 0
    assert f"http://127.0.0.1:{free_port} is ready" in started.stdout
    assert "next: dr models" in started.stderr
    assert dr("store", "start").exit_code == 0
    found = json.loads(dr("store", "status", "--json").stdout)
    assert found["running"] and found["pid"] == server_status(workspace).pid
    table = dr("store", "status").stdout
    assert "yes" in table and str(free_port) in table
    assert "has stopped" in dr("store", "stop").stdout
    assert "was not running" in dr("store", "stop").stdout
    assert not server_status(workspace).running


def test_errors_have_a_hint_and_no_traceback(dr: Dr, workspace: Workspace, free_port: int) -> None:
    assert dr("store", "start").exit_code == 0
    other = dr("store", "start", "--set", f"DR_STORE_PORT={free_port + 1}")
    assert other.exit_code == 1
    assert f"already running on port {free_port}" in other.stderr
    assert "hint:" in other.stderr
    aws = dr("store", "start", "--set", "DR_CLOUD=aws")
    assert aws.exit_code == 2
    assert "DR_CLOUD=aws" in aws.stderr


def test_no_workspace(
    dr: Dr, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    for words in (("store", "start"), ("store", "stop"), ("store", "status"), ("models",)):
        answer = dr(*words)
        assert answer.exit_code == 1
        assert "dr init" in answer.stderr


@pytest.mark.parametrize("words", [(), ("start",), ("stop",), ("status",)])
def test_help_has_an_example(words: tuple[str, ...]) -> None:
    answer = CliRunner().invoke(main, ["store", *words, "--help"])
    assert answer.exit_code == 0
    assert "  dr store st" in answer.stdout
