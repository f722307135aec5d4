"""Options that several commands share."""

from __future__ import annotations

import click

overrides = click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Use VALUE for the setting KEY, this time; can be repeated.",
)
