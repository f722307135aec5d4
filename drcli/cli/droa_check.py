"""`dr droa check`: would DeepRacer on AWS import this model?"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from drcli.cli import options, present
from drcli.errors import DrError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from drcli.import_checks.findings import ImportFault
    from drcli.store.checkpoints import Which


class _Files(NamedTuple):
    """What is checked: where it is, its files, where routes are, and what to do if it would be imported."""

    place: str
    sizes: Mapping[str, int]
    documents: Mapping[str, bytes]
    routes: Path | None
    next_step: tuple[str, str]


@click.command("check")
@click.argument("model", metavar="[PREFIX|FOLDER|FILE]", default="")
@click.option("-b", "--best", is_flag=True, help="Check the best checkpoint instead of the last.")
@click.option("-c", "--checkpoint", metavar="N", help="Check checkpoint N; also best, last or fastest.")
@click.option("--name", metavar="NAME", help="Check this name for the model, too.")
@click.option("--description", metavar="TEXT", help="Check this description, too.")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
@options.overrides
@click.pass_obj
def command(
    experiment: str | None,
    model: str,
    best: bool,
    checkpoint: str | None,
    name: str | None,
    description: str | None,
    as_json: bool,
    overrides: tuple[str, ...],
) -> None:
    """Check whether DeepRacer on AWS would import a model: all rules of its import, without AWS.

    PREFIX is a model in the workspace's bucket; its files are checked as `dr upload-model` would upload them. Without
    it, the model in the settings is checked. FOLDER and FILE (.tar.gz, .tgz, .zip) are a model on this machine.
    Exits with 1 if it would be refused. docs/import-checks.md lists the rules.

    \b
      dr droa check
      dr droa check -b my-model --name My-model
      dr droa check download/my-model --json
      dr droa check my-model.tar.gz
    """
    from drcli.import_checks import folder_rules
    from drcli.import_checks.import_check import check_import

    path = Path(model).expanduser()
    if model and (path.is_dir() or path.is_file() or path.name.endswith((".gz", ".tgz", ".zip"))):
        if best or checkpoint:
            raise UsageError(
                "-b and -c choose a checkpoint of a model in the bucket.", "A folder has its own index."
            )
        files = _local(experiment, path)
    else:
        files = _in_bucket(experiment, overrides, model, options.chosen_checkpoint(best, checkpoint))
    with present.live() as live:
        live.line(f"Checking {files.place}")
        found = check_import(files.sizes, files.documents, routes=files.routes)
    if name is not None or description:
        found += folder_rules.check_request("model" if name is None else name, description or "")
    _show(files, found, as_json)


def _local(experiment: str | None, path: Path) -> _Files:
    from drcli.config.load import find_workspace
    from drcli.import_checks.model_folder import read_folder

    folder = read_folder(path)
    routes = None
    with suppress(DrError):  # a folder can be checked anywhere
        routes = find_workspace(experiment=experiment).tracks
    step = (
        f"dr droa import {path if path.is_dir() else 'FOLDER'}",
        "import it; an archive has to be unpacked first",
    )
    return _Files(str(path), folder.sizes, folder.documents, routes, step)


def _in_bucket(experiment: str | None, overrides: Sequence[str], prefix: str, which: Which) -> _Files:
    from drcli.models import upload

    workspace, settings = options.load(experiment, overrides)
    found = upload.preview(settings, workspace, which, prefix or None)
    step = ("dr upload-model -i" + (f" -p {prefix}" if prefix else ""), "upload it")
    return _Files(found.source.address, found.sizes, found.documents, workspace.tracks, step)


def _show(files: _Files, found: list[ImportFault], as_json: bool) -> None:
    from drcli.import_checks.findings import refused

    bad = refused(found)
    if as_json:
        present.as_json(
            {"model": files.place, "accepted": not bad, "findings": [vars(finding) for finding in found]}
        )
    else:
        _group("refused", bad)
        _group("note", [finding for finding in found if finding not in bad])
    if bad:
        count = f"{len(bad)} reason{'s' if len(bad) > 1 else ''}"
        raise DrError(
            f"DeepRacer on AWS would refuse {files.place} for {count}.",
            "docs/import-checks.md explains them.",
        )
    present.say(f"DeepRacer on AWS would accept {files.place}.")
    present.next_step(*files.next_step)


def _group(title: str, findings: Sequence[ImportFault]) -> None:
    if findings:
        present.result(f"{title}:")
    for finding in findings:
        present.result(f"  {finding.file}: {finding.message}")
        if finding.hint:
            present.result(f"    {finding.hint}")
