"""`dr import-drfc`: create a workspace from a DeepRacer-for-Cloud folder."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from drcli.cli import present

if TYPE_CHECKING:
    from drcli.workspace.drfc_import import Import


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
@click.argument("target", type=click.Path(path_type=Path), default=".", metavar="[TARGET]")
@click.option("--models", "all_models", is_flag=True, help="Also copy all models from its bucket.")
@click.option(
    "--model", "some", multiple=True, metavar="PREFIX", help="Also copy this model; can be repeated."
)
@click.option("--keep-engine", is_flag=True, help="Keep DR_DOCKER_STYLE and the images.")
@click.option("--dry-run", is_flag=True, help="Show what would be done; change nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print what was done as JSON.")
def command(
    folder: Path,
    target: Path,
    all_models: bool,
    some: tuple[str, ...],
    keep_engine: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Create a workspace in TARGET (default: here) from the DeepRacer-for-Cloud folder DIR, which is only read.

    Copies system.env, run.env, worker-N.env, experiments/ and custom_files/, and sets up local processes and
    our own engine instead of containers; the old lines are kept as comments. Nothing is overwritten. With
    --models the models are copied, too, from AWS or a running MinIO to the workspace's own bucket.

    To use DIR as it is, no import is needed: just run `dr` there.

    \b
      dr import-drfc ~/deepracer-for-cloud my-racer --dry-run
      dr import-drfc ~/deepracer-for-cloud my-racer --models
      dr import-drfc ~/deepracer-for-cloud my-racer --model rl-deepracer-sagemaker
    """
    from drcli.workspace import drfc_import

    with_models = all_models or bool(some)
    planned = drfc_import.plan_import(folder, target, keep_engine=keep_engine, own_bucket=with_models)
    source, prefixes = drfc_import.models_of(planned, some) if with_models else (None, [])
    for notice in planned.settings.notices:
        present.warn(notice)
    if not dry_run:
        planned.write()
    if not as_json:
        _show(planned, dry_run)
    models: list[dict[str, object]] = [{"prefix": prefix} for prefix in prefixes] if dry_run else []
    if source is not None and not dry_run:
        models = _copy(planned, source, prefixes)
    elif dry_run:
        for prefix in prefixes:
            present.say(f"would copy  model {prefix}")
    if as_json:
        present.as_json(_as_dict(planned, models, dry_run))
    elif not with_models:
        _tell_of_models(planned)
    _name_next_step(folder, target, dry_run)


def _show(planned: Import, dry_run: bool) -> None:
    words = {"missing": "would write" if dry_run else "wrote", "current": "unchanged", "differs": "kept"}
    for file in planned.files:
        present.result(f"{words[file.state.value]:<11} {file.name}")
        for change in file.changes:
            present.result(f"{'':<11}   {change.before}  ->  {change.after}")
    kept = [file.name for file in planned.files if file.state.value == "differs"]
    if kept:
        present.warn(f"Kept files that already exist and differ: {', '.join(kept)}.")


def _copy(planned: Import, source: object, prefixes: Sequence[str]) -> list[dict[str, object]]:
    from dataclasses import asdict

    from drcli.store.client import Bucket
    from drcli.workspace.drfc_import import copy_models

    assert isinstance(source, Bucket)
    models = []
    with present.transfer("copying") as shown:
        for model in copy_models(planned, source, prefixes, shown.tell):
            models.append(asdict(model))
            if model.was_there:
                shown.say(f"kept        model {model.prefix}: already exists")
            else:
                size = present.size(model.size_bytes)
                shown.say(f"copied      model {model.prefix}: {model.objects} objects, {size}")
    if not prefixes:
        present.say(f"The {source.config.place} contains no models.")
    return models


def _tell_of_models(planned: Import) -> None:
    settings = planned.settings
    if settings.cloud in ("aws", "remote"):
        same = f"with DR_CLOUD={settings.cloud} both workspaces use the bucket {settings.local_s3_bucket}"
        present.say(f"No models were copied: {same}.")
    else:
        present.say("No models were copied; --models copies them.")


def _as_dict(planned: Import, models: Sequence[object], dry_run: bool) -> dict[str, object]:
    return {
        "source": str(planned.folder.root),
        "target": str(planned.target.root),
        "dry_run": dry_run,
        "files": [{"name": file.name, "was": file.state.value} for file in planned.files],
        "changes": [vars(change) for change in planned.changes],
        "notices": list(planned.settings.notices),
        "models": list(models),
    }


def _name_next_step(folder: Path, target: Path, dry_run: bool) -> None:
    if dry_run:
        words = shlex.join(["dr", "import-drfc", str(folder), str(target)])
        present.next_step(words, "import it")
        return
    here = target.resolve() == Path.cwd()
    present.next_step(
        "dr doctor" if here else f"cd {shlex.quote(str(target))} && dr doctor",
        "check that a training can start",
    )
