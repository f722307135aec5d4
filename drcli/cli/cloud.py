"""`dr cloud`: runs on rented machines of AWS. Its commands are the modules cloud_NAME of this folder."""

from __future__ import annotations

from typing import Any

import click

from drcli.cli.command_table import CLOUD_COMMANDS
from drcli.cli.lazy_group import LazyGroup


class _CloudCommands(LazyGroup):
    def __init__(self, **attributes: Any) -> None:
        super().__init__(CLOUD_COMMANDS, before="cloud_", **attributes)


@click.group(cls=_CloudCommands)
def command() -> None:
    """Rent a spot machine of AWS for a run, follow it, bring its models here, and end it.

    The machine may use one bucket of yours and nothing else, has no open port, and ends itself after some hours
    even if nobody comes back. What it will cost is shown before it starts. See docs/cloud.md.

    \b
      dr cloud up --hours 2
      dr cloud status
      dr cloud logs -f
      dr cloud pull
      dr cloud down --all
    """
