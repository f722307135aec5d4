"""`dr sweep example`: write a file to start from."""

from __future__ import annotations

from pathlib import Path

import click

from drcli.cli import present

_NAMES = ("one-model", "one-track", "several-tracks", "search")


@click.command("example")
@click.argument("name", type=click.Choice(_NAMES))
def command(name: str) -> None:
    """Write a file to start from, and the reward functions that it names, into the current folder.

    \b
      one-model        one model on one track, with several seeds
      one-track        several models on one track: action spaces and reward functions
      several-tracks   several models on several tracks, each driven everywhere
      search           a search with `dr tune`

    \b
      dr sweep example one-track
    """
    from drcli.sweep import sweep_examples

    for path in sweep_examples.write(name, Path.cwd()):
        present.result(str(path.relative_to(Path.cwd())))
    starter = "dr tune" if name == "search" else "dr sweep"
    present.next_step(f"{starter} {name}.yaml --dry-run", "check it and show what would be trained")
