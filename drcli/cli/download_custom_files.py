"""`dr download-custom-files`: from the bucket to custom_files/."""

from __future__ import annotations

import sys

import click

from drcli.cli import options, present


@click.command()
@click.option("--dry-run", is_flag=True, help="Show what would be downloaded; download nothing.")
@click.option("-y", "--yes", is_flag=True, help="Overwrite files that differ without asking.")
@click.option("--json", "as_json", is_flag=True, help="Print what was done as JSON.")
@options.overrides
@click.pass_obj
def command(
    experiment: str | None, dry_run: bool, yes: bool, as_json: bool, overrides: tuple[str, ...]
) -> None:
    """Download what differs under DR_LOCAL_S3_CUSTOM_FILES_PREFIX in the bucket to custom_files/.

    Of an experiment with `dr -e NAME`. A file that is here and differs is kept unless you agree to lose it;
    nothing is deleted.

    \b
      dr download-custom-files --dry-run
      dr -e wet download-custom-files -y
    """
    from drcli.workspace import custom_files
    from drcli.workspace.custom_files import Difference

    workspace, settings = options.load(experiment, overrides)
    compared = custom_files.compare(settings, workspace)
    words = {
        Difference.ONLY_THERE: "new",
        Difference.DIFFERS: "changed",
        Difference.SAME: "unchanged",
        Difference.ONLY_HERE: "kept",
    }
    rows = []
    for file in compared.files:
        action = words[file.state]
        if file.state is Difference.DIFFERS and not (yes or dry_run or _may_overwrite(file.name)):
            action = "kept"
        if action in ("new", "changed") and not dry_run:
            compared.download(file)
        rows.append({"file": file.name, "key": file.key, "action": action})
        differs = " (differs)" if file.state is Difference.DIFFERS else ""
        present.say(f"{action:<10} {file.name}{differs}")
    kept = sum(
        file.state is Difference.DIFFERS and row["action"] == "kept"
        for file, row in zip(compared.files, rows, strict=True)
    )
    if kept:
        present.warn(f"{kept} of the files here differ and were kept; -y overwrites them.")
    moved = sum(row["action"] in ("new", "changed") for row in rows)
    if as_json:
        present.as_json({"prefix": compared.prefix, "folder": str(compared.folder), "files": rows})
    else:
        would = "would be downloaded" if dry_run else "downloaded"
        place = compared.bucket.config.place
        present.result(f"{moved} of {len(rows)} files {would} from {compared.prefix}/ in the {place}.")
    if dry_run and moved:
        present.next_step("dr download-custom-files", "do it")
    else:
        present.next_step("dr start-training", "train with the files that are here")


def _may_overwrite(name: str) -> bool:
    """Ask, if there is somebody to ask."""
    return _is_terminal() and click.confirm(f"{name} is here and differs. Overwrite it?", err=True)


def _is_terminal() -> bool:
    return sys.stdin.isatty()
