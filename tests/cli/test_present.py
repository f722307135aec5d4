from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from contextlib import suppress

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


def test_a_table_fits_the_terminal() -> None:
    rows = [{"name": "short", "steps": 12_345_678, "path": "/a/long/path/" + "x" * 100}]
    lines = present.format_table(rows, width=80).splitlines()
    assert max(map(len, lines)) <= 80 and len(lines) > 2
    assert lines[1].startswith("short  12345678  /a/long/path/x")
    assert "".join(line.strip() for line in lines[1:]).endswith("x" * 20)
    assert len(present.format_table(rows).splitlines()) == 2  # in a pipe a row is a line


def test_what_is_shown_is_never_taken_for_markup() -> None:
    assert present.format_table([{"name": "[red]a[/] :smile: 字"}]).splitlines()[1] == "[red]a[/] :smile: 字"


def test_wide_characters_take_two_columns() -> None:
    rows = [{"name": "字字", "n": 1}, {"name": "abcd", "n": 2}]
    assert present.format_table(rows).splitlines() == ["name  n", "字字  1", "abcd  2"]


def test_colour_is_for_terminals_that_want_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    present.table([{"name": "a"}])
    assert capsys.readouterr().out == "name\na\n"
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    present.table([{"name": "a"}])
    assert capsys.readouterr().out == "name\na\n"  # NO_COLOR is set
    monkeypatch.delenv("NO_COLOR")
    assert "\x1b[1m" in present.format_table([{"name": "a"}], colour=True)


def at_a_terminal(code: str, columns: int) -> str:
    """What a program writes to a terminal of that width."""
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    words = [sys.executable, "-c", f"import time; from drcli.cli import present\n{code}"]
    environment = os.environ | {"TERM": "xterm", "COLUMNS": str(columns)}
    with subprocess.Popen(words, stdout=theirs, stderr=theirs, stdin=theirs, env=environment) as started:
        os.close(theirs)
        said = b""
        with suppress(OSError):  # Linux: when the other end is closed
            while part := os.read(ours, 4096):
                said += part
    os.close(ours)
    assert started.returncode == 0, said
    return said.decode()


def plain(text: str) -> list[str]:
    """Lines that a terminal has shown, without what moves the cursor."""
    lines = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text).replace("\r", "\n").split("\n")
    return [line.rstrip() for line in lines]


def test_without_a_terminal_there_is_no_status_line(capsys: pytest.CaptureFixture[str]) -> None:
    with present.live() as live:
        live.line("7 %")
        live.say("news")
    with present.transfer("copying") as shown:
        shown.tell("x", 1, 2)
        shown.say("copied x")
    assert capsys.readouterr() == ("", "news\ncopied x\n")


def test_the_status_line_is_one_line_and_goes() -> None:
    code = """
with present.live() as live:
    live.line("x" * 200)
    live.say("news [red]of[/] " + "y" * 100)
    live.line("8 %")
"""
    said = at_a_terminal(code, 80)
    lines = plain(said)
    assert "news [red]of[/] " + "y" * 100 in lines
    assert "8 %" in lines
    assert "x" * 79 + "…" in lines and not any("x" * 81 in line for line in lines)
    assert said.endswith("\x1b[2K")  # the last line is taken away


@pytest.mark.parametrize("columns", [40, 80, 300])
def test_the_bar(columns: int) -> None:
    code = """
with present.transfer("uploading") as shown:
    shown.tell("model/x.pb", 1_000_000, 4_000_000)
with present.transfer("uploading") as shown:
    shown.say("copied [red]y[/]")
    shown.tell("model/x.pb", 4_000_000, 4_000_000)
"""
    said = at_a_terminal(code, columns)
    lines = plain(said)
    assert "copied [red]y[/]" in lines
    assert max(map(len, lines)) <= columns
    assert any(" 25% " in line for line in lines) and any("100%" in line for line in lines)
    assert columns < 80 or any("1.0/4.0 MB" in line and "uploading model/x.pb" in line for line in lines)
    assert said.endswith("\x1b[2K")


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 bytes"), (999, "999 bytes"), (1000, "1.0 kB"), (51_234_567, "51.2 MB")]
)
def test_sizes(count: int, text: str) -> None:
    assert present.size(count) == text
