"""`dr s3`: list, copy and delete in the bucket, like the AWS CLI."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from drcli.cli import options, present
from drcli.errors import UsageError

if TYPE_CHECKING:
    from drcli.store.client import Bucket
    from drcli.store.s3_commands import Entry, Side, Step

_recursive = click.option("-r", "--recursive", is_flag=True, help="Everything in the folder.")
_dry_run = click.option(
    "--dry-run", "--dryrun", is_flag=True, help="Show what would be done; change nothing."
)
_yes = click.option("-y", "--yes", is_flag=True, help="Do not ask.")
_SHOWN = 20


@click.group()
def command() -> None:
    """List, copy and delete files in the workspace's bucket, with its endpoint and credentials; needs no AWS CLI.

    s3:KEY is in the workspace's bucket, s3://BUCKET/KEY in another bucket of the same store. Names are exact: `model`
    does not match `model-10`.

    \b
      dr s3 ls
      dr s3 cp s3:rl-deepracer-sagemaker/reward_function.py .
      dr s3 sync s3:rl-deepracer-sagemaker/metrics metrics
      dr s3 rm --recursive old-model
    """


@command.command()
@click.argument("prefix", default="")
@_recursive
@click.option("--json", "as_json", is_flag=True, help="Print the list as JSON.")
@options.overrides
@click.pass_obj
def ls(
    experiment: str | None, prefix: str, recursive: bool, as_json: bool, overrides: tuple[str, ...]
) -> None:
    """List a folder of the bucket: size, last change, key. A subfolder is one line with its total size.

    `s3://` alone lists the buckets.

    \b
      dr s3 ls
      dr s3 ls rl-deepracer-sagemaker/model
      dr s3 ls --recursive --json
    """
    from drcli.store import s3_commands

    bucket = _open(experiment, overrides)
    if prefix == "s3://":
        names = bucket.names()
        if as_json:
            present.as_json(list(names))
        else:
            present.result("\n".join(names))
        return
    where = s3_commands.remote(prefix, bucket, bare=True)
    assert where is not None
    found = s3_commands.entries(where, recursive=recursive)
    if as_json:
        present.as_json([entry.to_dict() for entry in found])
    elif found:
        present.table(_row(entry) for entry in found)
        objects, size = sum(e.objects for e in found), sum(e.size_bytes for e in found)
        present.say(f"{_count(objects)}, {present.size(size)} in {where}.")
    else:
        present.say(f"There is nothing in {where}.")
    present.next_step("dr s3 cp s3:KEY .", "download one; `dr models` lists the models")


@command.command()
@click.argument("source")
@click.argument("target")
@_recursive
@_dry_run
@options.overrides
@click.pass_obj
def cp(
    experiment: str | None,
    source: str,
    target: str,
    recursive: bool,
    dry_run: bool,
    overrides: tuple[str, ...],
) -> None:
    """Copy a file to, from or within the bucket. An existing target is replaced.

    \b
      dr s3 cp custom_files/reward_function.py s3:custom_files/
      dr s3 cp s3:rl-deepracer-sagemaker/status.json .
      dr s3 cp -r s3:rl-deepracer-sagemaker s3:backup/first
    """
    from drcli.store import s3_commands

    bucket = _open(experiment, overrides, write=not dry_run)
    steps = s3_commands.plan_copy(
        s3_commands.place(source, bucket), s3_commands.place(target, bucket), recursive=recursive
    )
    _carry_out(steps, dry_run)
    present.next_step("dr s3 ls", "see what is in the bucket")


@command.command()
@click.argument("source")
@click.argument("target")
@click.option("--delete", is_flag=True, help="Delete what is in TARGET but not in SOURCE (asks).")
@_yes
@_dry_run
@options.overrides
@click.pass_obj
def sync(
    experiment: str | None,
    source: str,
    target: str,
    delete: bool,
    yes: bool,
    dry_run: bool,
    overrides: tuple[str, ...],
) -> None:
    """Make the folder TARGET like SOURCE: copy files that are missing there, have another size or are older.

    \b
      dr s3 sync custom_files s3:custom_files
      dr s3 sync --delete --dry-run s3:rl-deepracer-sagemaker copy-of-it
    """
    from drcli.store import s3_commands

    bucket = _open(experiment, overrides, write=not dry_run)
    plan = s3_commands.plan_sync(
        s3_commands.place(source, bucket), s3_commands.place(target, bucket), delete=delete
    )
    if plan.deletions and not dry_run:
        _confirm(plan.deletions, f"Delete these {_count(len(plan.deletions))} in {target}?", yes)
    _carry_out(plan.steps, dry_run)
    for extra in plan.deletions:
        present.say(f"{'would delete' if dry_run else 'deleted'}  {extra}")
    if not dry_run:
        s3_commands.delete(plan.deletions)
    present.say(f"{plan.unchanged} unchanged.")
    present.next_step("dr s3 ls", "see what is in the bucket")


@command.command()
@click.argument("key")
@_recursive
@_yes
@_dry_run
@options.overrides
@click.pass_obj
def rm(
    experiment: str | None,
    key: str,
    recursive: bool,
    yes: bool,
    dry_run: bool,
    overrides: tuple[str, ...],
) -> None:
    """Delete the object KEY, or with --recursive everything in the folder KEY, after listing it and asking.

    \b
      dr s3 rm custom_files/old.py
      dr s3 rm --recursive old-model
    """
    from drcli.errors import DrError
    from drcli.store import s3_commands

    bucket = _open(experiment, overrides, write=not dry_run)
    where = s3_commands.remote(key, bucket, bare=True)
    assert where is not None
    if not where.key.strip("/"):
        raise UsageError(
            "This would delete the whole bucket.", "Give an object or a folder; `dr s3 ls` lists them."
        )
    found = [info for info in s3_commands.find(where) if recursive or info.key == where.key]
    if not found:
        inside = (
            ""
            if recursive or not any(s3_commands.find(where))
            else "It is a folder: --recursive deletes everything in it. "
        )
        raise DrError(f"There is no object {where}.", f"{inside}`dr s3 ls` lists the objects.")
    places = [s3_commands.Remote(where.bucket, info.key) for info in found]
    size = present.size(sum(info.size_bytes for info in found))
    if dry_run:
        _show(places, "would delete")
    else:
        if recursive:
            _confirm(places, f"Delete {where}: {_count(len(found))}, {size}?", yes)
        s3_commands.delete(places)
    present.result(f"{'Would delete' if dry_run else 'Deleted'} {_count(len(found))}, {size}.")
    present.next_step("dr s3 ls", "see what is left")


@command.command()
@click.argument("name")
@options.overrides
@click.pass_obj
def mb(experiment: str | None, name: str, overrides: tuple[str, ...]) -> None:
    """Create the bucket NAME in the workspace's store; an existing one is left unchanged.

    \b
      dr s3 mb backup
    """
    from dataclasses import replace

    from drcli.store.client import Bucket

    bucket = _open(experiment, overrides)
    name = name.removeprefix("s3://").rstrip("/")
    is_there = name in bucket.names()
    Bucket(replace(bucket.config, bucket=name)).ensure_bucket()
    present.result(f"The bucket {name} {'already exists' if is_there else 'was created'}.")
    present.next_step(f"dr s3 ls s3://{name}/", "list its content")


def _open(experiment: str | None, overrides: Sequence[str], *, write: bool = False) -> Bucket:
    from drcli.launch.bucket import open_bucket

    workspace, settings = options.load(experiment, overrides)
    return open_bucket(settings, workspace, write=write)


def _row(entry: Entry) -> dict[str, object]:
    return {
        "size": present.size(entry.size_bytes),
        "last_change": f"{entry.last_modified.astimezone():%Y-%m-%d %H:%M:%S}",
        "key": entry.key + (f"  ({entry.objects} objects)" if entry.is_folder else ""),
    }


def _carry_out(steps: Sequence[Step], dry_run: bool) -> None:
    from drcli.store import s3_commands

    if dry_run:
        for step in steps:
            present.say(f"would copy  {step}")
        present.result(f"Would copy {_count(len(steps))}, {present.size(sum(s.size_bytes for s in steps))}.")
        return
    with present.transfer("copying") as shown:
        size = s3_commands.run(steps, shown.tell, lambda step: shown.say(f"copied  {step}"))
    present.result(f"Copied {_count(len(steps))}, {present.size(size)}.")


def _confirm(places: Sequence[Side], question: str, yes: bool) -> None:
    _show(places, "deletes")
    if not yes:
        click.confirm(question, abort=True, err=True)


def _show(places: Sequence[Side], word: str) -> None:
    for one in places[:_SHOWN]:
        present.say(f"{word}  {one}")
    if len(places) > _SHOWN:
        present.say(f"… and {len(places) - _SHOWN} more")


def _count(number: int) -> str:
    return f"{number} object" if number == 1 else f"{number} objects"
