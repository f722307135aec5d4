"""`dr upload-custom-files`: upload custom_files/ to the bucket."""

from __future__ import annotations

import click

from drcli.cli import options, present


@click.command()
@click.option("--dry-run", is_flag=True, help="Show what would be uploaded; upload nothing.")
@options.as_json
@options.overrides
@click.pass_obj
def command(experiment: str | None, dry_run: bool, as_json: bool, overrides: tuple[str, ...]) -> None:
    """Upload changed files from custom_files/ to DR_LOCAL_S3_CUSTOM_FILES_PREFIX in the bucket.

    `dr -e NAME` uploads those of an experiment. Files are compared by content; nothing is deleted. Compiled
    Python, notebooks, hidden files and editor backups are not uploaded. `dr start-training` uploads the files
    it needs by itself, so this is only for other tools.

    \b
      dr upload-custom-files --dry-run
      dr -e wet upload-custom-files
    """
    from drcli.workspace import custom_files
    from drcli.workspace.custom_files import Difference

    workspace, settings = options.load(experiment, overrides)
    for fault in custom_files.faults(workspace):
        present.warn(fault)
    compared = custom_files.compare(settings, workspace, write=not dry_run)
    words = {
        Difference.ONLY_HERE: "new",
        Difference.DIFFERS: "changed",
        Difference.SAME: "unchanged",
        Difference.ONLY_THERE: "kept",
    }
    rows = []
    for file in compared.files:
        moves = file.state in (Difference.ONLY_HERE, Difference.DIFFERS)
        if moves and not dry_run:
            compared.upload(file)
        rows.append({"file": file.name, "key": file.key, "action": words[file.state]})
        present.say(f"{words[file.state]:<10} {file.name}" + (f" -> {file.key}" if moves else ""))
    for name in compared.stray:
        present.say(f"{'left out':<10} {name}")
    moved = sum(row["action"] in ("new", "changed") for row in rows)
    if as_json:
        present.as_json({"prefix": compared.prefix, "files": rows, "left_out": list(compared.stray)})
    else:
        would = "would be uploaded" if dry_run else "uploaded"
        place = compared.bucket.config.place
        present.result(f"{moved} of {len(rows)} files {would} to {compared.prefix}/ in the {place}.")
    if dry_run and moved:
        present.next_step("dr upload-custom-files", "upload them")
    else:
        present.next_step("dr start-training", "train with these files")
