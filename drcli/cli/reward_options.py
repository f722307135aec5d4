"""What all commands of `dr reward` take: the file of the function, and a track."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click


def of_a_function(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the argument FILE and the option --track."""
    file = click.argument("file", required=False, type=click.Path(dir_okay=False, path_type=Path))
    track = click.option(
        "--track",
        metavar="NAME",
        help="A world, or a .yaml or .npy file; default: the first of DR_WORLD_NAME.",
    )
    return file(track(command))
