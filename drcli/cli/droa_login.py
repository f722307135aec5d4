"""`dr droa login`: log in to a DeepRacer on AWS, or log out."""

from __future__ import annotations

import click

from drcli.cli import droa_options, present
from drcli.cli.passwords import read_password


@click.command("login")
@click.option("--password-stdin", is_flag=True, help="Read the password from the first line of stdin.")
@click.option("--forget", is_flag=True, help="Log out: revoke the login and delete its file.")
@droa_options.connection
def command(connection: droa_options.Connection, password_stdin: bool, forget: bool) -> None:
    """Log in to a DeepRacer on AWS as the user of DR_DROA_USERNAME. Asks for the password, which is not kept.

    What is kept, in a file that only you can read, is renewed by itself while it is valid: a day, unless the
    deployment says otherwise. A new login replaces it. In scripts the password can come from stdin or from the
    environment variable DR_DROA_PASSWORD.

    \b
      dr droa login
      dr droa login --url https://deepracer.example.com --username me
      dr droa login --password-stdin < password.txt
      dr droa login --forget
    """
    from drcli import env
    from drcli.droa import session

    deployment = connection.deployment()
    if forget:
        was = session.log_out(deployment)
        present.result(f"Logged out of {deployment.name}." if was else "You were not logged in.")
        present.next_step("dr droa login", "log in again")
        return
    username = connection.user or click.prompt(f"User name at {deployment.name}", err=True)
    password = read_password(env.DR_DROA_PASSWORD, f"Password of {username}", is_piped=password_stdin)
    opened = session.log_in(deployment, username, password)
    present.result(f"{opened.username} is logged in to {deployment.name}.")
    present.next_step("dr droa list", "list your models there")
