"""`dr droa`: models in a deployment of DeepRacer on AWS. Its commands are the modules droa_NAME of this folder."""

from __future__ import annotations

from typing import Any

import click

from drcli.cli.command_table import DROA_COMMANDS
from drcli.cli.lazy_group import LazyGroup


class _DroaCommands(LazyGroup):
    def __init__(self, **attributes: Any) -> None:
        super().__init__(DROA_COMMANDS, before="droa_", **attributes)


@click.group(cls=_DroaCommands)
def command() -> None:
    """Log in to a DeepRacer on AWS, and list, import, download and delete your models there.

    DeepRacer on AWS is what AWS offers in place of the console of AWS DeepRacer: a website that somebody deploys
    in an AWS account of their own. DR_DROA_URL in system.env is its address, DR_DROA_USERNAME your user there.

    \b
      dr droa login --url https://deepracer.example.com
      dr droa check
      dr droa list
      dr droa import fast-3
      dr droa get fast-3
    """
