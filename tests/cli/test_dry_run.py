"""`--dry-run` shows the plan, whatever is missing on this machine; what the user wrote is checked as for a start."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Racer = Any
COMMUNITY = ("DR_SIMAPP_SOURCE=someone/simapp", "DR_SIMAPP_VERSION=1.0-cpu")


@pytest.fixture
def racer(new_racer: Callable[[], Racer], tmp_path: Path) -> Racer:
    """Somebody without a Docker engine, a Docker client, and keys for AWS."""
    racer = new_racer()
    racer.environment["DOCKER_HOST"] = f"unix://{tmp_path}/no.sock"
    racer.environment["PATH"] = str(tmp_path)
    return racer


def sets(*texts: str) -> list[str]:
    return [word for text in texts for word in ("--set", text)]


@pytest.mark.parametrize("command", ["start-training", "evaluate"])
@pytest.mark.parametrize("engine", [(), COMMUNITY])
@pytest.mark.parametrize("style", ["compose", "swarm"])
def test_without_docker(racer: Racer, style: str, engine: tuple[str, ...], command: str) -> None:
    words = sets(f"DR_DOCKER_STYLE={style}", "DR_WORKERS=3", *engine)
    found = racer.invoke(command, "--dry-run", "--json", *words)
    assert found.exit_code == 0, found.stderr
    assert "warning: Docker is not installed." in found.stderr
    store, stack = json.loads(found.stdout)["stacks"]
    assert (store["project"], stack["style"]) == ("s3", style)
    assert stack["replicas"] == {"robomaker": 3 if command == "start-training" else 1}
    assert not racer.workspace.runs.exists() and not racer.workspace.store_key.exists()


@pytest.mark.parametrize("style", ["process", "compose"])
def test_without_credentials(racer: Racer, style: str) -> None:
    words = sets(f"DR_DOCKER_STYLE={style}", "DR_CLOUD=aws")
    found = racer.invoke("start-training", "--dry-run", *words)
    assert found.exit_code == 0
    assert "warning: There are no credentials for the bucket" in found.stderr
    assert "aws configure" in found.stderr
    assert "deepracer-0/robomaker  x1" in found.stdout
    has_keys = "AWS_ACCESS_KEY_ID=********" in found.stdout
    assert has_keys == (style == "compose")  # processes of this machine find them themselves


def test_a_broken_key_file_is_said(racer: Racer) -> None:
    racer.workspace.data.mkdir(exist_ok=True)
    racer.workspace.store_key.write_text("{")
    found = racer.invoke("start-training", "--dry-run")
    assert found.exit_code == 0
    assert "store.key.json is broken" in found.stderr
    assert "deepracer-0/sagemaker  x1" in found.stdout


@pytest.mark.parametrize("style", ["process", "compose"])
def test_a_wrong_reward_function_is_refused(racer: Racer, style: str) -> None:
    (racer.workspace.custom_files / "reward_function.py").write_text(
        "def reward_function(params):\n    pass\n"
    )
    found = racer.invoke("start-training", "--dry-run", *sets(f"DR_DOCKER_STYLE={style}"))
    assert found.exit_code == 1
    assert "returns None" in found.stderr
    assert found.stdout == ""


def test_other_custom_files_are_checked_too(racer: Racer) -> None:
    (racer.workspace.custom_files / "hyperparameters.json").write_text('{"lr": -1}')
    assert racer.invoke("start-training", "--dry-run").exit_code == 2


def test_a_setting_that_cannot_be_started_is_refused(racer: Racer) -> None:
    found = racer.invoke("start-training", "--dry-run", *sets("DR_SIMAPP_SOURCE=someone/simapp"))
    assert found.exit_code == 2
    assert "only runs in containers" in found.stderr
