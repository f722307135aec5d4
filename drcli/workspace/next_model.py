"""The next model: run.env edited so that the next training, or the next upload, goes to a name of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from drcli.config import envfile
from drcli.config.load import DEFAULT, load_settings
from drcli.config.settings import Settings, variables
from drcli.contract.keys import join
from drcli.errors import DrError, UsageError
from drcli.launch import run_control
from drcli.launch.bucket import open_bucket
from drcli.paths import Workspace
from drcli.store.access import open_upload_bucket
from drcli.store.client import Bucket, ObjectInfo
from drcli.workspace.env_edit import Edit, edited
from drcli.workspace.next_name import DELIMITER, escape, next_text

MODEL = "DR_LOCAL_S3_MODEL_PREFIX"
PRETRAINED = "DR_LOCAL_S3_PRETRAINED"
PRETRAINED_PREFIX = "DR_LOCAL_S3_PRETRAINED_PREFIX"
METRICS = "DR_LOCAL_S3_METRICS_PREFIX"
UPLOAD = "DR_UPLOAD_S3_PREFIX"
_NO_BUCKET = "not-defined"


@dataclass(frozen=True)
class Increment:
    """An edit of run.env that nothing has been done of; `name` is the setting that counts up."""

    name: str
    old: str
    new: str
    edit: Edit
    settings: Settings  # as they will be
    notices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Leftovers:
    """What lies under the new prefix already."""

    bucket: Bucket
    prefix: str
    objects: tuple[ObjectInfo, ...]

    @property
    def size_bytes(self) -> int:
        """All of it."""
        return sum(info.size_bytes for info in self.objects)

    def wipe(self) -> int:
        """Delete these objects, and nothing that came later or lies beside them; how many."""
        self.bucket.delete(info.key for info in self.objects)
        return len(self.objects)


def plan_training(
    settings: Settings, workspace: Workspace, *, prefix: str = "", delimiter: str = DELIMITER
) -> Increment:
    """The next training: a new model that starts from the one there is. Changes nothing.

    Args:
        prefix: the new name; default: the number in the old one goes up.
        delimiter: stands before the number where there was none.

    Raises:
        DrError: the old or the new model is being trained.
        UsageError: the new name is no prefix, or it is the old one.
    """
    text = text_of(workspace, settings, MODEL)
    new = prefix or next_text(text, _texts(settings), delimiter)
    values = {MODEL: new, PRETRAINED: "True", PRETRAINED_PREFIX: text}
    old = settings.local_s3_model_prefix
    found = _plan(workspace, settings, values, {PRETRAINED_PREFIX: old})
    name = found.settings.local_s3_model_prefix
    _check_new(MODEL, old, name)
    _check_idle(workspace, old, name)
    notices = []
    if found.settings.local_s3_metrics_prefix == settings.local_s3_metrics_prefix:
        metrics = settings.local_s3_metrics_prefix
        notices.append(
            f"{METRICS} stays {metrics}: the new model's metrics will replace the old one's there; "
            f"write {METRICS}=${MODEL}/metrics"
        )
    if found.settings.upload_s3_prefix == settings.upload_s3_prefix:
        notices.append(
            f"{UPLOAD} stays {settings.upload_s3_prefix}; `dr increment-upload-model` counts it up, too"
        )
    return Increment(MODEL, old, name, found.edit, found.settings, tuple(notices))


def plan_upload(
    settings: Settings, workspace: Workspace, *, prefix: str = "", delimiter: str = DELIMITER
) -> Increment:
    """The next upload: to a new name in the upload bucket. Arguments and errors as `plan_training`."""
    text = text_of(workspace, settings, UPLOAD)
    new = prefix or next_text(text, _texts(settings), delimiter)
    found = _plan(workspace, settings, {UPLOAD: new}, {})
    old, name = settings.upload_s3_prefix, found.settings.upload_s3_prefix
    _check_new(UPLOAD, old, name)
    return Increment(UPLOAD, old, name, found.edit, found.settings)


def model_leftovers(increment: Increment, workspace: Workspace) -> Leftovers:
    """What is under the new model's prefix. DrError when something that is needed lies there, too."""
    settings = increment.settings
    needed = {
        PRETRAINED_PREFIX: settings.local_s3_pretrained_prefix,
        "DR_LOCAL_S3_CUSTOM_FILES_PREFIX": settings.local_s3_custom_files_prefix,
    }
    for name, prefix in needed.items():
        if f"{join(prefix)}/".startswith(f"{join(increment.new)}/"):
            raise DrError(
                f"Wiping {increment.new}/ would delete {name}={prefix}.", "Choose another name with -p."
            )
    return _leftovers(open_bucket(settings, workspace, write=True), increment.new)


def upload_leftovers(increment: Increment) -> Leftovers:
    """What is under the new prefix of the upload bucket. UsageError when there is no such bucket."""
    settings = increment.settings
    if settings.upload_s3_bucket == _NO_BUCKET:
        where = settings.source("DR_UPLOAD_S3_BUCKET")
        raise UsageError(
            f"{where}: DR_UPLOAD_S3_BUCKET is {_NO_BUCKET}: there is nothing to wipe.",
            "Set it in system.env, or go without -w.",
        )
    return _leftovers(open_upload_bucket(settings), increment.new)


def _leftovers(bucket: Bucket, prefix: str) -> Leftovers:
    folder = join(prefix)
    return Leftovers(bucket, folder, tuple(bucket.list(f"{folder}/")))


def _plan(
    workspace: Workspace, settings: Settings, values: Mapping[str, str], must_be: Mapping[str, str]
) -> Increment:
    """The edit that sets `values`; one that would not stand for `must_be` is written out instead."""
    before = workspace.run_env.read_bytes()
    wanted = dict(values)
    for name, expected in must_be.items():
        after, _ = edited(before, wanted, "run.env")
        if load_settings(workspace, run_env=after).text(name) != expected:
            wanted[name] = escape(expected)
    after, lines = edited(before, wanted, "run.env")
    found = load_settings(workspace, run_env=after)
    return Increment("", "", "", Edit(workspace.run_env, before, after, lines), found)


def _texts(settings: Settings) -> dict[str, str]:
    return {name: value.text for name, value in settings.values.items()}


def text_of(workspace: Workspace, settings: Settings, name: str) -> str:
    """The setting as run.env, or else the default, has it before expansion; set elsewhere: what it stands for."""
    if settings.source(name) == DEFAULT:
        return variables()[name].default
    assignments, _ = envfile.parse(workspace.run_env.read_bytes(), "run.env")
    own = [item for item in assignments if item.key == name and item.value]
    if not own or settings.source(name) != _source(workspace, own[-1]):
        return escape(settings.text(name))
    return escape(own[-1].value) if own[-1].literal else own[-1].value


def _source(workspace: Workspace, item: envfile.Assignment) -> str:
    folder = workspace.folder.relative_to(workspace.root).as_posix()
    return item.where if folder == "." else f"{folder}/{item.where}"


def _check_new(name: str, old: str, new: str) -> None:
    if join(old) == join(new):
        raise UsageError(f"{name} is {old} already.", "Give another name with -p.")


def _check_idle(workspace: Workspace, *prefixes: str) -> None:
    for run in run_control.running(workspace):
        busy = run.read_head().prefix
        if run.kind == "training" and busy in prefixes:
            raise DrError(
                f"The run {run.run_id} is training the model {busy}.",
                f"End it first: `dr stop-training --set DR_RUN_ID={run.run_id}`.",
            )
