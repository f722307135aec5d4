from __future__ import annotations

import json
import socket

import pytest
from click.testing import CliRunner

import drcli
from drcli.cli import main


def test_nobody_is_asked_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_network(*_: object, **__: object) -> None:
        raise AssertionError("the network was used")

    monkeypatch.setattr(socket.socket, "connect", no_network)
    answer = CliRunner().invoke(main, ["update-check"], catch_exceptions=False)
    assert answer.exit_code == 0
    assert f"drcli {drcli.__version__}" in answer.stdout
    assert "Did not check for a newer version" in answer.stderr and "next:" in answer.stderr
    seen = json.loads(CliRunner().invoke(main, ["update-check", "--json"]).stdout)
    assert (seen["newest"], seen["is_newer"], seen["asked"]) == (None, None, None)


def test_an_address_that_does_not_answer(free_port: int) -> None:
    answer = CliRunner().invoke(main, ["update-check", "--ask", f"http://127.0.0.1:{free_port}"])
    assert answer.exit_code == 1 and "is unreachable" in answer.stderr


def test_help_has_an_example() -> None:
    answer = CliRunner().invoke(main, ["update-check", "--help"])
    assert answer.exit_code == 0 and "  dr update-check --ask https://" in answer.stdout
