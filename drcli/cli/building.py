"""Offering to build the image of our engine where it is missing."""

from __future__ import annotations

import sys

import click

from drcli.cli import present
from drcli.config.settings import Settings


def offer_build(settings: Settings, *, is_wanted: bool) -> None:
    """Build the image if it is missing and the user wants that; a start without it says what to do."""
    if settings.docker_style == "process":
        return
    from drcli.launch.docker import checks, images

    image = checks.missing_image(settings)
    if image and (is_wanted or (sys.stdin.isatty() and _confirm(image))):
        images.build(
            images.BuildOptions(gpu=image.endswith("-gpu"), tag=image.rpartition(":")[2]), present.say
        )


def _confirm(image: str) -> bool:
    return click.confirm(f"There is no image {image} on this machine. Build it now?", default=True, err=True)
