"""Writes docs/commands.md, the help of every command: `python -m drcli.cli.pages`. A test checks that it is current."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from drcli.cli import main

PAGE = Path(__file__).resolve().parents[2] / "docs" / "commands.md"
_WIDTH = 100


def render() -> str:
    """The page, generated from the commands."""
    parts = ["# Commands\n\nGenerated from `dr --help` by `make docs`.\n"]
    for path, text in _helps(main, click.Context(main, info_name="dr", **main.context_settings)):
        parts.append(f"## `{path}`\n\n```\n{text}\n```\n")
    return "\n".join(parts)


def _helps(command: click.Command, context: click.Context) -> Iterator[tuple[str, str]]:
    context.max_content_width = context.terminal_width = _WIDTH
    yield context.command_path, command.get_help(context)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            if child is not None:
                yield from _helps(child, click.Context(child, info_name=name, parent=context))


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
