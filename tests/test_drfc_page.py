"""docs/drfc.md tells the truth: its tables name commands, tests and settings that exist, and all settings."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from settings_reach import reaches

from drcli.cli import COMMANDS
from drcli.cli.drfc import NAMES, RETIRED
from drcli.config.legacy import IGNORED, RENAMED
from drcli.config.settings import variables

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "drfc.md").read_text(encoding="utf-8")


def table(title: str, columns: int) -> list[tuple[str, ...]]:
    """The rows of all tables below a heading, without their heads."""
    text = PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]
    rows = [
        tuple(cell.strip() for cell in line.strip("|").split("|"))
        for line in text.splitlines()
        if line[:1] == "|"
    ]
    rules = [index for index, row in enumerate(rows) if set("".join(row)) <= set("-")]
    found = [row for index, row in enumerate(rows) if index not in rules and index + 1 not in rules]
    assert found and all(len(row) == columns for row in found)
    return found


def quoted(cell: str) -> str:
    match = re.fullmatch(r"`([^`]+)`", cell)
    assert match, cell
    return match[1]


COMMAND_ROWS = table("Commands", 4)
SETTING_ROWS = {quoted(row[0]): row for row in table("Settings", 3)}


@pytest.mark.parametrize("row", COMMAND_ROWS, ids=lambda row: row[0].strip("`"))
def test_a_command(row: tuple[str, ...]) -> None:
    theirs, ours, text, proof = row
    if text.startswith("not yet"):
        assert quoted(ours) not in COMMANDS, f"{theirs} is there by now: say what it does"
        assert not proof
        return
    assert quoted(ours) in COMMANDS
    source = ROOT / quoted(proof)
    assert source.is_file(), f"there is no {proof}"
    said = source.read_text(encoding="utf-8")
    words = {quoted(ours), quoted(ours).replace("-", "_"), quoted(ours).partition("-")[0]}
    assert any(word in said for word in words), f"{proof} says nothing of {ours}"
    assert text


def test_all_their_commands_are_listed() -> None:
    listed = {quoted(row[0]).removeprefix("dr-") for row in COMMAND_ROWS if row[0].startswith("`dr-")}
    assert listed == set(NAMES)
    assert {name for name in RETIRED} <= listed


def test_commands_without_a_counterpart_exist() -> None:
    sentence = PAGE.split("Commands without a counterpart in DeepRacer-for-Cloud:")[1].split(";")[0]
    others = set(re.findall(r"`([a-z0-9-]+)`", sentence))
    named = {quoted(row[1]) for row in COMMAND_ROWS if not row[2].startswith("not yet")}
    assert others.isdisjoint(named)
    assert others | named == set(COMMANDS)


def test_all_settings_are_listed_in_order() -> None:
    assert list(SETTING_ROWS) == list(variables())


@pytest.mark.parametrize("name", variables())
def test_a_setting_reaches_what_is_said(name: str) -> None:
    _, said, text = SETTING_ROWS[name]
    assert said == (", ".join(reaches(name)) or "-")
    if said == "-":
        commands = set(re.findall(r"`dr ([a-z0-9-]+)", text))
        assert "not yet" in text or (commands and commands <= set(COMMANDS)), "what uses it, then?"


def test_older_settings_are_listed() -> None:
    rows = {quoted(row[0]): row[1] for row in table("Older settings", 2)}
    assert {name: quoted(text) for name, text in rows.items() if name in RENAMED} == dict(RENAMED)
    others = {name: f"has no effect: {text}" for name, text in rows.items() if name not in RENAMED}
    assert others == dict(IGNORED)
