"""`dr download-custom-files`: download custom files from the bucket."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from drcli.cli import options, present

if TYPE_CHECKING:
    from drcli.workspace.custom_files import Comparison


@click.command()
@click.option("--dry-run", is_flag=True, help="Show what would be downloaded; download nothing.")
@click.option("-y", "--yes", is_flag=True, help="Overwrite local files that differ without asking.")
@options.as_json
@options.overrides
@click.pass_obj
def command(
    experiment: str | None, dry_run: bool, yes: bool, as_json: bool, overrides: tuple[str, ...]
) -> None:
    """Download new and changed files from DR_LOCAL_S3_CUSTOM_FILES_PREFIX in the bucket to custom_files/.

    `dr -e NAME` downloads those of an experiment. A local file that differs is only overwritten if you agree;
    nothing is deleted.

    \b
      dr download-custom-files --dry-run
      dr -e wet download-custom-files -y
    """
    from drcli.workspace import custom_files

    workspace, settings = options.load(experiment, overrides)
    compared = custom_files.compare(settings, workspace)
    rows, kept = _download(compared, yes, dry_run)
    if kept:
        present.warn(f"Local files that differ were kept ({kept}); -y overwrites them.")
    moved = sum(row["action"] in ("new", "changed") for row in rows)
    if as_json:
        present.as_json({"prefix": compared.prefix, "folder": str(compared.folder), "files": rows})
    else:
        would = "would be downloaded" if dry_run else "downloaded"
        place = compared.bucket.config.place
        present.result(f"{moved} of {len(rows)} files {would} from {compared.prefix}/ in the {place}.")
    if dry_run and moved:
        present.next_step("dr download-custom-files", "download them")
    else:
        present.next_step("dr start-training", "train with these files")


def _download(compared: Comparison, yes: bool, dry_run: bool) -> tuple[list[dict[str, str]], int]:
    """Download what is new or changed; a row for each file, and the number of local files kept although they differ."""
    from drcli.workspace.custom_files import Difference

    words = {
        Difference.ONLY_THERE: "new",
        Difference.DIFFERS: "changed",
        Difference.SAME: "unchanged",
        Difference.ONLY_HERE: "kept",
    }
    rows, kept = [], 0
    for file in compared.files:
        action = words[file.state]
        if file.state is Difference.DIFFERS and not (yes or dry_run or _may_overwrite(file.name)):
            action = "kept"
            kept += 1
        if action in ("new", "changed") and not dry_run:
            compared.download(file)
        rows.append({"file": file.name, "key": file.key, "action": action})
        differs = " (differs)" if file.state is Difference.DIFFERS else ""
        present.say(f"{action:<10} {file.name}{differs}")
    return rows, kept


def _may_overwrite(name: str) -> bool:
    """Ask the user, if there is a terminal."""
    return _is_terminal() and click.confirm(f"{name} already exists and differs. Overwrite it?", err=True)


def _is_terminal() -> bool:
    return sys.stdin.isatty()
