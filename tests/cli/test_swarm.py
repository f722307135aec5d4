from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from drcli.cli import main

sys.path.append(str(Path(__file__).parents[1] / "launch" / "docker"))

import second_node

lone_engine_of_module = second_node.lone_engine_of_module
lone_engine = second_node.lone_engine


def swarm(*words: str, answer: str | None = None) -> Result:
    return CliRunner().invoke(main, ["swarm", *words], input=answer, catch_exceptions=False)


@pytest.mark.docker
def test_one_machine_from_init_to_leave(lone_engine: second_node.FurtherEngine) -> None:
    before = swarm("status")
    assert before.exit_code == 1
    assert before.stderr == "error: This machine is not in a swarm.\nhint: Create one: `dr swarm init`.\n"

    made = swarm("init")
    assert made.exit_code == 0
    assert made.stdout == "node3 manages a swarm at 127.0.0.1 and runs trainer and workers.\n"
    assert "To allow that: dr swarm init --advertise-addr " in made.stderr
    assert swarm("init").stdout == made.stdout

    table = swarm("status")
    head, row = table.stdout.splitlines()
    assert head.split() == ["node", "id", "role", "state", "address", "engine", "labels", "runs"]
    assert row.split()[0::2] == ["node3", "leader", "127.0.0.1", "Sagemaker,", "-"]
    assert "next: dr swarm join-command" in table.stderr

    refused = swarm("leave", answer="n\n")
    assert refused.exit_code == 1 and json.loads(swarm("status", "--json").stdout)
    assert swarm("leave", answer="y\n").stdout == "This machine has left its swarm.\n"
    again = swarm("leave", "-y")
    assert again.exit_code == 1 and "not in a swarm" in again.stderr


@pytest.mark.docker
def test_others_can_join(lone_engine: second_node.FurtherEngine) -> None:
    address = lone_engine.address
    made = swarm("init", "--advertise-addr", address)
    assert address in made.stdout and "next: dr swarm join-command" in made.stderr
    token = lone_engine.docker("swarm", "join-token", "-q", "worker").strip()
    worker = swarm("join-command")
    assert worker.stdout == f"docker swarm join --token {token} {address}:2377\n"
    assert token not in worker.stderr and "7946/tcp+udp" in worker.stderr
    manager = swarm("join-command", "--manager")
    assert manager.stdout == (
        f"docker swarm join --token {lone_engine.docker('swarm', 'join-token', '-q', 'manager').strip()}"
        f" {address}:2377\n"
    )
    for words in (("init",), ("status",), ("status", "--json"), ("label", "node3")):
        shown = swarm(*words)
        assert shown.exit_code == 0 and token not in shown.output


@pytest.mark.docker
def test_labels(lone_engine: second_node.FurtherEngine) -> None:
    swarm("init")
    bare = swarm("label", "node3", "--no-sagemaker", "--no-robomaker")
    assert bare.exit_code == 0 and "next: dr swarm label node3 " in bare.stderr
    assert "next: dr swarm label node3 " in swarm("status").stderr
    assert "Robomaker" in swarm("label", "node3").stdout
    (node,) = json.loads(swarm("status", "--json").stdout)
    assert node["labels"] == {"Robomaker": "true"} and node["is_ready"] and node["tasks"] == []
    assert "Sagemaker, Robomaker" in swarm("label", node["id"][:6], "--sagemaker").stdout
    lone_engine.docker("node", "update", "--availability", "drain", "node3")
    assert "warning: node3 accepts no tasks (ready, drain)." in swarm("status").stderr
    unknown = swarm("label", "node7")
    assert unknown.exit_code == 1
    assert unknown.stderr == "error: The swarm has no node node7.\nhint: Its nodes are node3.\n"


@pytest.mark.docker
def test_an_address_that_is_none(lone_engine: second_node.FurtherEngine) -> None:
    wrong = swarm("init", "--advertise-addr", "nowhere")
    assert wrong.exit_code == 1
    assert "The swarm cannot use nowhere: advertise address must be" in wrong.stderr
    assert "hint: Try --advertise-addr " in wrong.stderr


@pytest.mark.parametrize("words", [(), ("init",), ("join-command",), ("status",), ("label",), ("leave",)])
def test_help_has_an_example(words: tuple[str, ...]) -> None:
    answer = swarm(*words, "--help")
    assert answer.exit_code == 0
    assert "  dr swarm " in answer.stdout
