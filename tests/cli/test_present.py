from __future__ import annotations

import json

import click
import pytest

from drcli.cli import present


def test_a_table_is_aligned_numbers_to_the_right() -> None:
    rows = [
        {"name": "a", "lap_time_s": 8.0, "best": None, "done": True},
        {"name": "longer", "lap_time_s": 12.345, "best": 3, "done": False},
    ]
    assert present.format_table(rows).splitlines() == [
        "name    lap time s  best  done",
        "a             8.00     -   yes",
        "longer       12.35     3    no",
    ]
    assert present.format_table([]) == ""


def test_results_go_to_stdout_talk_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    present.result("result")
    present.as_json({"ä": 1})
    present.say("talk")
    present.warn("careful")
    present.next_step("dr status", "why")
    out, err = capsys.readouterr()
    assert out.startswith("result\n") and json.loads(out.removeprefix("result")) == {"ä": 1}
    assert err == "talk\nwarning: careful\nnext: dr status   # why\n"


@pytest.mark.parametrize(
    ("experiment", "command", "shown"),
    [
        (None, "dr status", "dr status"),
        ("wet", "dr status", "dr -e wet status"),
        ("so wet", "dr status", "dr -e 'so wet' status"),
        ("wet", "dr -e wet start-training", "dr -e wet start-training"),
        ("wet", "cd x && dr -e wet start-training", "cd x && dr -e wet start-training"),
    ],
)
def test_the_next_command_is_of_the_same_experiment(
    experiment: str | None, command: str, shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with click.Context(click.Command("x"), obj=experiment):
        present.next_step(command, "why")
    assert capsys.readouterr().err == f"next: {shown}   # why\n"


def test_the_status_line_is_for_terminals(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with present.live() as live:
        live.line("7 %")
        live.say("news")
    assert capsys.readouterr().err == "news\n"
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    with present.live() as live:
        live.line("x" * 200)
        live.line("x" * 200)
        live.say("news")
        live.line("8 %")
    said = capsys.readouterr().err
    assert said == f"\r\x1b[K{'x' * 99}\r\x1b[Knews\n\r\x1b[K8 %\r\x1b[K"
