"""`dr reward`: what a reward function pays. Its commands are the modules reward_NAME of this folder."""

from __future__ import annotations

from typing import Any

import click

from drcli.cli.command_table import REWARD_COMMANDS
from drcli.cli.lazy_group import LazyGroup


class _RewardCommands(LazyGroup):
    def __init__(self, **attributes: Any) -> None:
        super().__init__(REWARD_COMMANDS, before="reward_", **attributes)


@click.group(cls=_RewardCommands)
def command() -> None:
    """Find out what a reward function pays, before a training: errors, habits, and whether fast laps earn more.

    FILE is custom_files/reward_function.py of the workspace unless another one is named; the track is the first
    of DR_WORLD_NAME, the race that of DR_RACE_TYPE. docs/reward-functions.md explains the results.

    \b
      dr reward check
      dr reward rank
      dr reward plot --speed 2
    """
