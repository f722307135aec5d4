"""`dr update-check`: which version this is; asks nobody unless it is told whom."""

from __future__ import annotations

import click

from drcli.cli import present


@click.command()
@click.option("--ask", "url", metavar="URL", help="Ask this address for the newest version.")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def command(url: str | None, as_json: bool) -> None:
    """Show which drcli is installed, and how to get a newer one.

    Nothing is sent anywhere, by this or any other command, unless you name an address with --ask. It may answer
    with the version alone, or with the JSON of a package index or of GitHub's releases.

    \b
      dr update-check
      dr update-check --ask https://api.github.com/repos/OWNER/REPOSITORY/releases/latest
    """
    from drcli.doctor import version_check

    here = version_check.installed()
    newest = version_check.ask(url) if url else None
    is_newer = version_check.is_newer(newest, here.version) if newest else None
    if as_json:
        seen = {"installed": here.version, "folder": here.folder, "asked": url, "newest": newest}
        present.as_json(seen | {"is_newer": is_newer, "update": here.how_to_update})
    else:
        present.result(f"drcli {here.version} in {here.folder}")
        if newest:
            present.result(f"{newest} is {'newer' if is_newer else 'the newest there, no newer than this'}.")
        else:
            present.say("Nobody was asked whether there is a newer one; --ask URL does.")
    present.next_step(here.how_to_update, "installs the newest version")
