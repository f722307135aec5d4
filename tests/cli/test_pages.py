"""docs/commands.md is what the commands say of themselves."""

from __future__ import annotations

from drcli.cli import COMMANDS, pages


def test_the_page_is_current() -> None:
    assert pages.PAGE.read_text(encoding="utf-8") == pages.render(), "run `make docs`"


def test_every_command_has_an_example() -> None:
    page = pages.render()
    for name in COMMANDS:
        section = page.split(f"## `dr {name}`")[1].split("## `")[0]
        assert f"    dr {name}" in section, name
