"""`dr update-check`: show the installed version; sends a request only to an address that the user names."""

from __future__ import annotations

import click

from drcli.cli import present


@click.command()
@click.option("--ask", "url", metavar="URL", help="Get the newest version from this address.")
@click.option("--json", "as_json", is_flag=True, help="Print the versions as JSON.")
def command(url: str | None, as_json: bool) -> None:
    """Show which drcli is installed, and how to get a newer one.

    This and all other commands never look for updates by themselves. With --ask a request is sent to the address
    you name, which may return a plain version, or the JSON of a package index or of GitHub's releases.

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
            found = "newer" if is_newer else "the newest version at this address, and not newer than yours"
            present.result(f"{newest} is {found}.")
        else:
            present.say("Did not check for a newer version; --ask URL does.")
    present.next_step(here.how_to_update, "install the newest version")
