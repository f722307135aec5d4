"""`dr init`: create a workspace."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import click

from drcli.cli import present


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), default=".", metavar="[DIR]")
@click.option("-y", "--yes", is_flag=True, help="Overwrite files without asking.")
@click.pass_obj
def command(experiment: str | None, folder: Path, yes: bool) -> None:
    """Create a workspace in DIR (default: here): system.env, run.env and custom_files/.

    An existing file that differs is only overwritten if you agree. With `dr -e NAME init` run.env and
    custom files are written to experiments/NAME.

    \b
      dr init my-racer
      dr -e wet-track init my-racer
    """
    from drcli.paths import Workspace
    from drcli.workspace.scaffold import FileState, plan_workspace

    workspace = Workspace(folder.resolve(), experiment or "")
    for file in plan_workspace(workspace):
        shown = file.path.relative_to(workspace.root)
        if file.state is FileState.DIFFERS and not (yes or _may_overwrite(str(shown))):
            present.say(f"kept       {shown}")
        elif file.state is FileState.CURRENT:
            present.say(f"unchanged  {shown}")
        else:
            file.write()
            present.say(f"wrote      {shown}")
    here = folder.resolve() == Path.cwd()
    command = f"dr -e {shlex.quote(experiment)} start-training" if experiment else "dr start-training"
    present.next_step(
        command if here else f"cd {shlex.quote(str(folder))} && {command}", "train the default model"
    )


def _may_overwrite(name: str) -> bool:
    """Ask the user, if there is a terminal."""
    return sys.stdin.isatty() and click.confirm(f"{name} already exists and differs. Overwrite it?", err=True)
