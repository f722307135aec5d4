"""`dr`: the root command. Each command is one module of this folder, imported only when it runs.

Errors become exit codes here and nowhere else.
"""

from __future__ import annotations

import sys
from typing import Any

import click

import drcli
from drcli.cli.command_table import COMMANDS, HIDDEN
from drcli.cli.lazy_group import LazyGroup, command_module
from drcli.errors import DrError

__all__ = ["COMMANDS", "main"]


class _Commands(LazyGroup):
    """The commands, and those of DeepRacer-for-Cloud; turns errors into exit codes."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(COMMANDS, hidden=HIDDEN, **attributes)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        ours = super().get_command(ctx, cmd_name)
        if ours is not None:
            return ours
        theirs: click.Command | None = command_module("as-drfc").theirs(cmd_name)
        return theirs

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except DrError as error:
            click.echo(click.style("error: ", fg="red") + error.message, err=True)
            if error.hint:
                click.echo(click.style("hint: ", fg="cyan") + error.hint, err=True)
            ctx.exit(error.exit_code)


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
