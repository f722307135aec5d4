"""`dr store`: start, stop and inspect the workspace's S3 server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from drcli.cli import present
from drcli.errors import DrError, UsageError

if TYPE_CHECKING:
    from drcli.config.settings import Settings
    from drcli.paths import Workspace

_set = click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Set one DR_ setting.")


@click.group()
def command() -> None:
    """Start, stop or inspect the workspace's S3 server, which holds the bucket if DR_CLOUD is local.

    A training starts it automatically: an embedded server, or MinIO with DR_DOCKER_STYLE=compose or swarm. Its files
    are in data/minio; `dr logs minio` shows its log.

    \b
      dr store start
      dr store status --json
      dr store stop
    """


@command.command()
@_set
@click.pass_obj
def start(experiment: str | None, overrides: tuple[str, ...]) -> None:
    """Start the server if it is not running, and create the bucket. Returns once the server responds.

    \b
      dr store start --set DR_STORE_PORT=9001
    """
    from drcli.launch.bucket import open_bucket

    workspace, settings = _load(experiment, overrides)
    if settings.cloud not in ("local", "azure"):
        raise UsageError(
            f"DR_CLOUD={settings.cloud} uses an external store.",
            "The workspace's own store needs DR_CLOUD=local.",
        )
    bucket = open_bucket(settings, workspace)
    present.result(f"The {bucket.config.place} is ready.")
    present.next_step("dr models", "see what is in it")


@command.command()
@click.pass_obj
def stop(experiment: str | None) -> None:
    """Stop the server; its data stay. Stopping a server in use is an error, stopping one that is not running is not.

    \b
      dr store stop
    """
    from drcli.launch import run_control
    from drcli.launch.bucket import stop_store

    workspace, settings = _load(experiment, ())
    user = next((run for run in run_control.running(workspace) if run.read_head().uses_store), None)
    if user is not None:
        raise DrError(
            f"The {user.kind} of run {user.run_id} uses the store and would start it again.",
            f"Stop it first: `dr stop-{user.kind} --set DR_RUN_ID={user.run_id}`.",
        )
    stopped = stop_store(settings, workspace)
    present.result("The store has stopped." if stopped else "The store was not running.")
    present.next_step("dr store start", "start it again")


@command.command()
@click.option("--json", "as_json", is_flag=True, help="Print the status as JSON.")
@click.pass_obj
def status(experiment: str | None, as_json: bool) -> None:
    """Show whether the server is running, where it listens, and where its data and log are.

    \b
      dr store status --json
    """
    from drcli.launch.bucket import store_status

    workspace, settings = _load(experiment, ())
    found = store_status(settings, workspace)
    if as_json:
        present.as_json(found)
    else:
        present.table([_row(found)])
    if found["running"]:
        present.next_step("dr models", "see what is in it")
    else:
        present.next_step("dr store start", "start it")


def _row(found: dict[str, Any]) -> dict[str, Any]:
    """As JSON, with the free space in words."""
    row = {name: value for name, value in found.items() if name != "free_bytes"}
    free = found.get("free_bytes")
    return row | ({"free": None if free is None else present.size(free)} if "free_bytes" in found else {})


def _load(experiment: str | None, overrides: tuple[str, ...]) -> tuple[Workspace, Settings]:
    from drcli.config.load import find_workspace, load_settings

    workspace = find_workspace(experiment=experiment)
    return workspace, load_settings(workspace, overrides)
