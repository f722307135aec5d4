"""What the commands of `dr droa` share: options that name the deployment and the user, and how it is opened."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from drcli.cli import options, present
from drcli.errors import DrError, UsageError

if TYPE_CHECKING:
    from drcli.config.settings import Settings
    from drcli.droa.api import Api
    from drcli.droa.assets import Asset
    from drcli.droa.droa_deployment import Deployment
    from drcli.droa.remote_models import RemoteModel

_PARTS = (
    "region",
    "user_pool_id",
    "user_pool_client_id",
    "identity_pool_id",
    "api_endpoint",
    "upload_bucket",
)


def _refuse_password(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    if value is not None:
        raise UsageError(
            "A password in a command line can be read by other users of this machine, and stays in the history.",
            "`dr droa login` asks for it; in scripts use --password-stdin or DR_DROA_PASSWORD.",
        )


_OPTIONS = (
    click.option("--url", metavar="URL", default="", help="Address of its website, instead of DR_DROA_URL."),
    click.option("--username", metavar="NAME", default="", help="Your user, instead of DR_DROA_USERNAME."),
    *(
        click.option(
            f"--{part.replace('_', '-')}",
            metavar="TEXT",
            default="",
            help=f"Its {part.replace('_', ' ')}, if not that of the website.",
        )
        for part in _PARTS
    ),
    click.option("--password", hidden=True, expose_value=False, callback=_refuse_password, help="Refused."),
    options.overrides,
)


@dataclass(frozen=True)
class Connection:
    """What the options say: which deployment, and as whom."""

    experiment: str | None
    url: str
    username: str
    parts: dict[str, str]
    overrides: tuple[str, ...]

    @functools.cached_property
    def settings(self) -> Settings:
        """The settings of the workspace; defaults outside of one, where options are enough."""
        from drcli.config.load import find_workspace, settings_of

        try:
            find_workspace(experiment=self.experiment)
        except DrError:
            if self.experiment:
                raise
            return settings_of({})
        return options.load(self.experiment, self.overrides)[1]

    @property
    def user(self) -> str:
        """The user that the options or the settings name; empty if neither does."""
        return self.username or self.settings.droa_username

    def deployment(self) -> Deployment:
        """The deployment. Raises DrError if it cannot be found."""
        from drcli.droa.droa_deployment import find_deployment

        return find_deployment(self.url or self.settings.droa_url, self.parts)

    def open_api(self) -> Api:
        """Its API, for the user who is logged in. Raises DrError if nobody is."""
        from drcli.droa.api import Api
        from drcli.droa.session import resume

        session = resume(self.deployment(), self.user)
        return Api(session, present.say) if self.settings.droa_debug else Api(session)


def connection(command: Callable[..., None]) -> Callable[..., None]:
    """Add these options to a command; it gets them as its first argument, a `Connection`."""

    def packed(experiment: str | None, /, **given: Any) -> None:
        parts = {name: given.pop(name) for name in _PARTS}
        url, username, overrides = (given.pop(name) for name in ("url", "username", "overrides"))
        command(Connection(experiment, url, username, parts, overrides), **given)

    packed.__doc__ = command.__doc__
    return functools.reduce(lambda inner, option: option(inner), reversed(_OPTIONS), click.pass_obj(packed))


def fetch(api: Api, model: RemoteModel, asset: Asset, target: Path | None, force: bool) -> Path:
    """Download a file of a model, show the progress, and say where it is; that."""
    from drcli.droa import assets

    path = assets.target_path(target, asset)
    if path.exists() and not force:
        click.confirm(f"{path} already exists. Replace it?", abort=True, err=True)
    with present.live() as shown:
        url = assets.asset_url(api, model, asset, lambda: shown.line(f"{model.name} is being packed"))
    with present.transfer("downloading") as bar:
        size = assets.download(url, path, bar.tell)
    present.result(f"{path}  {asset.words}, {present.size(size)}")
    return path
