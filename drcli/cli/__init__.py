"""`dr`: the root command. Each command is one module of this folder, imported only when it runs.

Errors become exit codes here and nowhere else.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

import click

import drcli
from drcli.cli.command_table import COMMANDS, HIDDEN
from drcli.errors import DrError, UsageError

__all__ = ["COMMANDS", "main"]


class _Commands(click.Group):
    """A group that lists its commands by name, so that `dr --help` imports none of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in COMMANDS or cmd_name in HIDDEN:
            command: click.Command = _module(cmd_name).command
            return command
        theirs: click.Command | None = _module("as-drfc").theirs(cmd_name)
        return theirs

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if ctx.resilient_parsing:  # shell completion: an unknown word is not an error
            return super().resolve_command(ctx, args)
        if not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            import difflib

            near = difflib.get_close_matches(args[0], COMMANDS, n=2)
            hint = f"Did you mean {' or '.join(near)}?" if near else "`dr --help` lists the commands."
            raise UsageError(f"Unknown command {args[0]!r}.", hint)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except DrError as error:
            click.echo(click.style("error: ", fg="red") + error.message, err=True)
            if error.hint:
                click.echo(click.style("hint: ", fg="cyan") + error.hint, err=True)
            ctx.exit(error.exit_code)


def _module(name: str) -> Any:
    return importlib.import_module(f"drcli.cli.{name.replace('-', '_')}")


@click.group(
    cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(drcli.__version__, prog_name="dr")
@click.option("-e", "--experiment", metavar="NAME", help="Use experiments/NAME (DR_EXPERIMENT_NAME).")
@click.pass_context
def main(ctx: click.Context, experiment: str | None) -> None:
    """Train, evaluate and ship AWS DeepRacer models on your own machines.

    A workspace is a folder with system.env, run.env and custom_files/. Commands look for it in the
    current folder and its parents, or use DR_DIR. Start with:

    \b
      dr init my-racer && cd my-racer
      dr start-training
      dr evaluate
    """
    ctx.obj = experiment


if __name__ == "__main__":
    sys.exit(main())
