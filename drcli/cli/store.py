"""`dr store`: start, stop, look at the embedded S3 server of the workspace."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from drcli.cli import present
from drcli.errors import DrError, UsageError

if TYPE_CHECKING:
    from drcli.config.settings import Settings
    from drcli.paths import Workspace

_set = click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Set one DR_ setting.")


@click.group()
def command() -> None:
    """Start, stop or look at the embedded S3 server. It holds the bucket when DR_CLOUD is local.

    A training starts it by itself. Its files are in data/minio, its log is data/logs/minio.log.

    \b
      dr store start
      dr store status --json
      dr store stop
    """


@command.command()
@_set
@click.pass_obj
def start(experiment: str | None, overrides: tuple[str, ...]) -> None:
    """Start the server unless it runs, and make the bucket. Returns once it answers.

    \b
      dr store start --set DR_STORE_PORT=9001
    """
    from drcli.store.access import is_embedded, open_bucket

    workspace, settings = _load(experiment, overrides)
    if not is_embedded(settings):
        raise UsageError(
            f"DR_CLOUD={settings.cloud} with DR_DOCKER_STYLE={settings.docker_style} has a store of its own.",
            "The embedded one is for DR_CLOUD=local and DR_DOCKER_STYLE=process.",
        )
    bucket = open_bucket(settings, workspace)
    present.result(f"The {bucket.config.place} is ready.")
    present.next_step("dr models", "see what is in it")


@command.command()
@click.pass_obj
def stop(experiment: str | None) -> None:
    """Stop the server. Its data stay; stopping one that is not running is no error, one in use is.

    \b
      dr store stop
    """
    from drcli.config.load import find_workspace
    from drcli.launch import stack
    from drcli.store.server import stop_server

    workspace = find_workspace(experiment=experiment)
    user = next((run for run in stack.running(workspace) if run.read_plan()["store"]), None)
    if user is not None:
        raise DrError(
            f"The {user.kind} of run {user.run_id} uses the store, and would start it again.",
            f"End it first: `dr stop-{user.kind} --set DR_RUN_ID={user.run_id}`.",
        )
    stopped = stop_server(workspace)
    present.result("The store has stopped." if stopped else "The store was not running.")
    present.next_step("dr store start", "start it again")


@command.command()
@click.option("--json", "as_json", is_flag=True, help="Print the status as JSON.")
@click.pass_obj
def status(experiment: str | None, as_json: bool) -> None:
    """Show whether the server runs, where it listens, and where its data and its log are.

    \b
      dr store status --json
    """
    from dataclasses import asdict

    from drcli.config.load import find_workspace
    from drcli.store.server import server_status

    found = server_status(find_workspace(experiment=experiment))
    if as_json:
        present.as_json(asdict(found))
    else:
        present.result(present.format_table([asdict(found)]))
    if found.running:
        present.next_step("dr models", "see what is in it")
    else:
        present.next_step("dr store start", "start it")


def _load(experiment: str | None, overrides: tuple[str, ...]) -> tuple[Workspace, Settings]:
    from drcli.config.load import find_workspace, load_settings

    workspace = find_workspace(experiment=experiment)
    return workspace, load_settings(workspace, overrides)
