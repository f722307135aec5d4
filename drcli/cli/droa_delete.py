"""`dr droa delete`: delete a model in a DeepRacer on AWS."""

from __future__ import annotations

import click

from drcli.cli import droa_options, present


@click.command("delete")
@click.argument("model")
@click.option("-f", "--force", is_flag=True, help="Do not ask.")
@droa_options.connection
def command(connection: droa_options.Connection, model: str, force: bool) -> None:
    """Delete MODEL, a name or an id, with its evaluations and logs. Asks first. Models in use are refused.

    \b
      dr droa delete fast-3
    """
    from drcli.droa import remote_models

    api = connection.open_api()
    found = remote_models.find_model(api, model)
    remote_models.check_deletable(found)
    where = api.session.deployment.name
    if not force:
        click.confirm(f"Delete {found}, {found.status}, from {where}?", abort=True, err=True)
    remote_models.delete_model(api, found)
    present.result(f"{found} is being deleted from {where}.")
    present.next_step("dr droa list", "list the remaining models")
