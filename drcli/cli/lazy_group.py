"""A group that lists its commands by name, so that `--help` imports none of them."""

from __future__ import annotations

import importlib
from collections.abc import Collection, Mapping
from typing import Any

import click

from drcli.errors import UsageError


def command_module(name: str) -> Any:
    """The module of this folder for a command."""
    return importlib.import_module(f"drcli.cli.{name.replace('-', '_')}")


class LazyGroup(click.Group):
    """Commands of a table: each is the function `command` of the module with its name."""

    def __init__(
        self, table: Mapping[str, str], *, before: str = "", hidden: Collection[str] = (), **attributes: Any
    ) -> None:
        """`table`: name → one line; `before`: what the modules' names start with; `hidden`: not in the help."""
        super().__init__(**attributes)
        self._table, self._before, self._hidden = table, before, hidden

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of the table."""
        return list(self._table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        if cmd_name in self._table or cmd_name in self._hidden:
            command: click.Command = command_module(self._before + cmd_name).command
            return command
        return None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As in click, with near names where there is no such command."""
        if ctx.resilient_parsing:  # shell completion: an unknown word is not an error
            return super().resolve_command(ctx, args)
        if not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            import difflib

            near = difflib.get_close_matches(args[0], self._table, n=2)
            path = " ".join(["dr", *ctx.command_path.split()[1:]])
            hint = f"Did you mean {' or '.join(near)}?" if near else f"`{path} --help` lists the commands."
            raise UsageError(f"Unknown command {args[0]!r}.", hint)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The table."""
        with formatter.section("Commands"):
            formatter.write_dl(list(self._table.items()))
