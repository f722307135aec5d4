"""Offering to build the image of our engine, where it is missing or of another drcli's code."""

from __future__ import annotations

import sys

import click

from drcli.cli import present
from drcli.config.settings import Settings


def offer_build(settings: Settings, *, is_wanted: bool) -> None:
    """Build the image if it has to be built and the user wants that; a start without it says what to do."""
    if settings.docker_style == "process":
        return
    from drcli.launch.docker import image_checks, images, swarm_nodes

    if settings.docker_style == "swarm":
        swarm_nodes.require_manager()  # nobody builds for a minute, to be told then that there is no swarm
    image = image_checks.missing_image(settings)
    said = f"There is no image {image} on this machine."
    if not image and (image := image_checks.outdated_image(settings)):
        said = f"The image {image} was made by another drcli than this."
    if not image:
        return
    if is_wanted or (sys.stdin.isatty() and click.confirm(f"{said} Build it now?", default=True, err=True)):
        extra = images.requirements_of(image) or ()  # a rebuilt image keeps what `--with` added to it
        options = images.BuildOptions(gpu=image.endswith("-gpu"), tag=image.rpartition(":")[2], extra=extra)
        images.build(options, present.say)
    else:
        present.warn(f"{said} `dr images build` builds it.")
