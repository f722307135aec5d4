from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result
from polling import DEADLINE_S

from drcli.cli import main
from drcli.cli.summary import format_summary
from drcli.launch import workspace_summary
from drcli.paths import Workspace

Dr = Callable[..., Result]
SEEN = {
    "drcli": "1.2.3",
    "workspace": "/home/racer/a-folder-with-quite-a-long-name",
    "experiment": "wet",
    "cloud": "local",
    "bucket": {
        "name": "bucket",
        "place": "this machine",
        "state": "reachable",
        "message": "",
        "checkpoints": 4,
    },
    "style": "compose",
    "engine": "awsdeepracercommunity/deepracer-simapp",
    "image": {"name": "awsdeepracercommunity/deepracer-simapp:6.0.4-cpu", "state": "missing", "message": ""},
    "workers": 2,
    "cars_per_worker": 1,
    "run_id": 0,
    "viewer": "http://127.0.0.1:8100/",
    "model": "rl-deepracer-sagemaker",
    "pretrained": "older-model",
    "race_type": "TIME_TRIAL",
    "world_name": "reinvent_base",
    "car": {"name": "Käfer [bold]", "color": "Red", "body_shell": "deepracer"},
    "running": [
        {"kind": "training", "run_id": 0, "model": "m", "style": "compose", "state": "running", "workers": 2}
    ],
    "notices": [],
}


@pytest.fixture
def dr(workspace: Workspace, free_port: int, monkeypatch: pytest.MonkeyPatch) -> Dr:
    """`dr` in an otherwise empty workspace."""
    workspace.system_env.write_text(f"DR_STORE_PORT={free_port}\n")
    workspace.run_env.write_text("")
    monkeypatch.chdir(workspace.root)
    monkeypatch.setattr(workspace_summary, "WAIT_S", DEADLINE_S)
    return lambda *words: CliRunner().invoke(main, ["summary", *words], catch_exceptions=False)


@pytest.mark.parametrize("width", [20, 40, 80, 100, 110, 120, 200, 400])
def test_any_width_shows_everything_and_keeps_within(width: int) -> None:
    text = format_summary(SEEN, width)
    assert max(map(len, text.splitlines())) <= width
    letters = "".join(c for c in text if c.isalnum())
    if width >= 40:
        for word in ("reachable", "missing", "oldermodel", "TIMETRIAL", "Käfer", "4checkpoints", "2workers"):
            assert word in letters
        assert "[bold]" in text
    assert "\x1b" not in text


def test_side_by_side_where_there_is_room() -> None:
    assert len(format_summary(SEEN, 160).splitlines()) < len(format_summary(SEEN, 90).splitlines())
    assert "\x1b[" in format_summary(SEEN, 100, colour=True)


def test_a_fresh_workspace(dr: Dr, workspace: Workspace) -> None:
    answer = dr()
    assert answer.exit_code == 0
    assert str(workspace.root)[:20] in answer.stdout and "starts when it is needed" in answer.stdout
    assert "nothing" in answer.stdout and "next: dr start-training" in answer.stderr
    seen = json.loads(dr("--json").stdout)
    assert (seen["style"], seen["world_name"], seen["running"]) == ("process", "drcli_harbour", [])
    assert seen["image"]["state"] == "not needed" and seen["bucket"]["state"] == "stopped"


def test_a_store_that_is_not_there(dr: Dr, free_port: int) -> None:
    words = (
        "DR_CLOUD=remote",
        f"DR_REMOTE_MINIO_URL=http://me:hush@127.0.0.1:{free_port}",
        "DR_LOCAL_ACCESS_KEY_ID=a",
    )
    answer = dr(
        *(part for word in (*words, "DR_LOCAL_SECRET_ACCESS_KEY=topsecret") for part in ("--set", word))
    )
    assert answer.exit_code == 0 and "unreachable" in answer.stdout and "next: dr doctor" in answer.stderr
    assert "topsecret" not in answer.output and "hush" not in answer.output


def test_help_has_an_example() -> None:
    answer = CliRunner().invoke(main, ["summary", "--help"])
    assert answer.exit_code == 0 and "  dr summary --json" in answer.stdout
