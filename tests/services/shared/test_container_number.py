"""What Docker's name server answers, recorded in three replicas of a service, and what workers make of it."""

from __future__ import annotations

import pytest

from drcli.services.shared import container_number
from drcli.services.shared.container_number import _first_label, _question

QUESTION = b"\x013\x010\x0219\x03172\x07in-addr\x04arpa\x00\x00\x0c\x00\x01"
HEAD = b"\x00\x07\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00"
OWNER = b"\x013\x010\x0219\x03172\x07in-addr\x04arpa\x00\x00\x0c\x00\x01\x00\x00\x02X\x00!"
ANSWER = HEAD + QUESTION + OWNER + b"\x11kdptr-robomaker-3\rkdptr_default\x00"


def test_the_question_is_docker_s() -> None:
    assert _question("172.19.0.3")[12:] == QUESTION


def test_the_name_in_an_answer() -> None:
    assert _first_label(ANSWER, 12 + len(QUESTION)) == b"kdptr-robomaker-3"
    short = (
        HEAD + QUESTION + b"\xc0\x0c" + OWNER[len(QUESTION) - 4 :] + b"\x0brobomaker_2\x00"
    )  # as RFC 1035 allows
    assert _first_label(short, 12 + len(QUESTION)) == b"robomaker_2"


@pytest.mark.parametrize(
    ("label", "number"),
    [
        (b"deepracer-0-robomaker-12", 12),
        (b"deepracer-0_robomaker_2", 2),
        (b"gateway", None),
        (b"x-1-run", None),
    ],
)
def test_the_number_in_a_name(monkeypatch: pytest.MonkeyPatch, label: bytes, number: int | None) -> None:
    answer = HEAD + QUESTION + OWNER + bytes([len(label)]) + label + b"\x00"
    monkeypatch.setattr(container_number, "_own_address", lambda: "172.19.0.3")
    monkeypatch.setattr(container_number, "_ask", lambda address: answer)
    assert container_number.container_number() == number


@pytest.mark.parametrize("answer", [b"", HEAD, HEAD[:6] + b"\x00\x00" + HEAD[8:] + QUESTION, ANSWER[:60]])
def test_no_answer_is_no_number(monkeypatch: pytest.MonkeyPatch, answer: bytes) -> None:
    monkeypatch.setattr(container_number, "_own_address", lambda: "172.19.0.3")
    monkeypatch.setattr(container_number, "_ask", lambda address: answer)
    assert container_number.container_number() is None


def test_outside_of_docker_there_is_none() -> None:
    assert container_number.container_number() is None
