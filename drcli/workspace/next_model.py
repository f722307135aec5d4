"""The next model: editing run.env so that the next training or upload gets a new prefix."""

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
from drcli.launch.store_access import open_upload_bucket
from drcli.paths import Workspace
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
    """A planned edit of run.env; `name` is the setting that is incremented."""

    name: str
    old: str
    new: str
    edit: Edit
    settings: Settings  # as they will be
    notices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Leftovers:
    """Objects that already exist under the new prefix."""

    bucket: Bucket
    prefix: str
    objects: tuple[ObjectInfo, ...]

    @property
    def size_bytes(self) -> int:
        """Size of all objects."""
        return sum(info.size_bytes for info in self.objects)

    def wipe(self) -> int:
        """Delete exactly these objects; returns how many."""
        self.bucket.delete(info.key for info in self.objects)
        return len(self.objects)


def plan_training(
    settings: Settings, workspace: Workspace, *, prefix: str = "", delimiter: str = DELIMITER
) -> Increment:
    """Plan the next training: a new model that starts from the current one. Changes nothing.

    Args:
        prefix: the new prefix; default: the old one with its number incremented.
        delimiter: precedes the number if the old prefix has none.

    Raises:
        DrError: the old or the new model is being trained.
        UsageError: the new prefix is invalid or equals the old one.
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
            f"{METRICS} is still {metrics}: the metrics of the new model will overwrite those of the old one; "
            f"set {METRICS}=${MODEL}/metrics"
        )
    if found.settings.upload_s3_prefix == settings.upload_s3_prefix:
        notices.append(
            f"{UPLOAD} is still {settings.upload_s3_prefix}; `dr increment-upload-model` increments it"
        )
    return Increment(MODEL, old, name, found.edit, found.settings, tuple(notices))


def plan_upload(
    settings: Settings, workspace: Workspace, *, prefix: str = "", delimiter: str = DELIMITER
) -> Increment:
    """Plan the next upload: to a new prefix in the upload bucket. Arguments and errors as for `plan_training`."""
    text = text_of(workspace, settings, UPLOAD)
    new = prefix or next_text(text, _texts(settings), delimiter)
    found = _plan(workspace, settings, {UPLOAD: new}, {})
    old, name = settings.upload_s3_prefix, found.settings.upload_s3_prefix
    _check_new(UPLOAD, old, name)
    return Increment(UPLOAD, old, name, found.edit, found.settings)


def model_leftovers(increment: Increment, workspace: Workspace) -> Leftovers:
    """Objects under the new model's prefix. Raises DrError if they include something that is still needed."""
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
    """Objects under the new prefix in the upload bucket. Raises UsageError if no upload bucket is set."""
    settings = increment.settings
    if settings.upload_s3_bucket == _NO_BUCKET:
        where = settings.source("DR_UPLOAD_S3_BUCKET")
        raise UsageError(
            f"{where}: DR_UPLOAD_S3_BUCKET is {_NO_BUCKET}, so there is nothing to wipe.",
            "Set it in system.env, or omit -w.",
        )
    return _leftovers(open_upload_bucket(settings), increment.new)


def _leftovers(bucket: Bucket, prefix: str) -> Leftovers:
    folder = join(prefix)
    return Leftovers(bucket, folder, tuple(bucket.list(f"{folder}/")))


def _plan(
    workspace: Workspace, settings: Settings, values: Mapping[str, str], must_be: Mapping[str, str]
) -> Increment:
    """The edit that sets `values`; a value that would not expand to the one in `must_be` is written out."""
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
    """The unexpanded text of a setting in run.env or of its default; its expanded value if it is set elsewhere."""
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
        raise UsageError(f"{name} is already {old}.", "Choose another name with -p.")


def _check_idle(workspace: Workspace, *prefixes: str) -> None:
    for run in run_control.running(workspace):
        busy = run.read_head().prefix
        if run.kind == "training" and busy in prefixes:
            raise DrError(
                f"Run {run.run_id} is training the model {busy}.",
                f"Stop it first: `dr stop-training --set DR_RUN_ID={run.run_id}`.",
            )
