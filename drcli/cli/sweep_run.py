"""`dr sweep FILE`: check every variant, start the sweep, follow it, show the table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from drcli.cli.sweep_options import sweep_options


@click.command("run")
@sweep_options
@click.pass_obj
def command(experiment: str | None, /, file: Path, overrides: tuple[str, ...], **how: Any) -> None:
    """Train the variants of a file, evaluate all models under the same rules, and rank them.

    Every variant is checked before anything starts. Ctrl-C closes the view, and the sweep continues; the same command
    shows it again, and continues it after `dr sweep stop`, `kill -9` or a restart of the machine.

    \b
      dr sweep rewards.yaml --dry-run
      dr sweep rewards.yaml --at-a-time 2 --keep best
      dr sweep rewards.yaml --set DR_WORLD_NAME=drcli_technical
    """
    from drcli.cli import follow_sweep

    follow_sweep.run(experiment, file, overrides, is_search=False, **how)
