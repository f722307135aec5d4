"""What the commands of `dr cloud` share: options that name the region, the bucket and the account."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from drcli.cli import options, present

if TYPE_CHECKING:
    from drcli.cloud.aws_clients import Aws
    from drcli.cloud.cloud_place import CloudPlace
    from drcli.config.settings import Settings
    from drcli.paths import Workspace

yes = click.option("-y", "--yes", is_flag=True, help="Do not ask.")
words = click.argument("words", nargs=-1, metavar="[-- COMMAND...]")
hours = click.option(
    "--hours",
    type=click.FloatRange(0.25, 168),
    default=3.0,
    show_default=True,
    help="After so many hours a machine stops the run and ends.",
)
job_name = click.option(
    "--name", metavar="NAME", default="", help="Name of the job; default: that of its sweep or its model."
)

_OPTIONS = (
    click.option("--region", metavar="NAME", default="", help="Region of AWS, instead of DR_AWS_APP_REGION."),
    click.option(
        "--bucket", metavar="NAME", default="", help="Bucket on AWS, if the workspace's own is elsewhere."
    ),
    click.option(
        "--profile", metavar="NAME", default="", help="AWS profile, instead of that of the settings."
    ),
    options.overrides,
)


@dataclass(frozen=True)
class Cloud:
    """What the options say: where, and as whom."""

    experiment: str | None
    region: str
    bucket: str
    profile: str
    overrides: tuple[str, ...]

    @functools.cached_property
    def loaded(self) -> tuple[Workspace, Settings]:
        """The workspace and its settings."""
        return options.load(self.experiment, self.overrides)

    @property
    def aws(self) -> Aws:
        """The account."""
        from drcli.cloud.aws_clients import Aws
        from drcli.cloud.cloud_place import account

        _, settings = self.loaded
        here = Aws(self.region or settings.aws_app_region, self.profile or None, tell=present.say)
        return account(settings, here)

    def place(self) -> CloudPlace:
        """Where a machine is to be started."""
        from drcli.cloud.cloud_place import chosen_place

        workspace, settings = self.loaded
        return chosen_place(settings, workspace, self.aws, self.bucket)

    def places(self) -> list[CloudPlace]:
        """Everywhere that machines of this workspace may be; credentials are checked."""
        from drcli.cloud.cloud_place import known_places

        workspace, settings = self.loaded
        aws = self.aws
        aws.check()
        return known_places(settings, workspace, aws, self.bucket)


def where(command: Callable[..., None]) -> Callable[..., None]:
    """Add these options to a command; it gets them as its first argument, a `Cloud`."""

    def packed(
        experiment: str | None,
        /,
        region: str,
        bucket: str,
        profile: str,
        overrides: tuple[str, ...],
        **given: Any,
    ) -> None:
        command(Cloud(experiment, region, bucket, profile, overrides), **given)

    packed.__doc__ = command.__doc__
    return functools.reduce(lambda inner, option: option(inner), reversed(_OPTIONS), click.pass_obj(packed))
