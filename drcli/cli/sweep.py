"""`dr sweep`: many variants from one file. Its commands are the modules sweep_NAME of this folder."""

from __future__ import annotations

from typing import Any

import click

from drcli.cli.command_table import SWEEP_COMMANDS
from drcli.cli.lazy_group import LazyGroup

_HELP = ("-h", "--help")


class _SweepCommands(LazyGroup):
    """The commands; without one of them, `dr sweep FILE.yaml` is `dr sweep run FILE.yaml`."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(SWEEP_COMMANDS, before="sweep_", **attributes)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in (*self.list_commands(ctx), *_HELP) and not ctx.resilient_parsing:
            args = ["run", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_SweepCommands)
def command() -> None:
    """Train and compare many variants: reward functions, action spaces, hyperparameters, settings, tracks, seeds.

    A YAML file says what varies. All models are evaluated under the same rules, and a table ranks them.
    docs/sweeps.md explains the file, and `dr sweep example` writes one to start from.

    \b
      dr sweep rewards.yaml --dry-run
      dr sweep rewards.yaml
      dr sweep status
      dr sweep results --csv > rewards.csv
      dr sweep stop
    """
