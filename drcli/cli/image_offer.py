"""Offering to build the image of our engine if it is missing or outdated."""

from __future__ import annotations

import sys

import click

from drcli.cli import present
from drcli.config.settings import Settings
from drcli.launch.launcher import launcher_of


def offer_build(settings: Settings, *, is_wanted: bool) -> None:
    """Build the image if that is necessary and the user agrees; otherwise only warn."""
    found = launcher_of(settings.docker_style).image_to_build(settings)
    if found is None:
        return
    question = f"{found.reason} Build it now?"
    if is_wanted or (sys.stdin.isatty() and click.confirm(question, default=True, err=True)):
        from drcli.launch.docker import images

        extra = images.requirements_of(found.image) or ()  # a rebuilt image keeps what `--with` added to it
        tag = found.image.rpartition(":")[2]
        options = images.BuildOptions(gpu=found.image.endswith("-gpu"), tag=tag, extra=extra)
        images.build(options, present.say)
    else:
        present.warn(f"{found.reason} `dr images build` builds it.")
