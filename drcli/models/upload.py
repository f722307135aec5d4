"""`dr upload-model`: upload exactly one checkpoint of a model, with everything that belongs to it."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from drcli.config.params_documents import UPLOAD_NAME, render_upload, to_yaml
from drcli.config.settings import Settings
from drcli.contract.keys import ModelKeys, join
from drcli.errors import DrError
from drcli.launch import run_control
from drcli.launch.bucket import open_bucket
from drcli.launch.store_access import open_upload_bucket
from drcli.models import console_import as console
from drcli.paths import Workspace
from drcli.store import model_files, transfer
from drcli.store.checkpoints import Which
from drcli.store.client import Bucket, ObjectInfo
from drcli.store.transfer import Content, Meter, Tell


@dataclass(frozen=True)
class ModelLocation:
    """A prefix in a bucket."""

    bucket: Bucket
    prefix: str

    @property
    def address(self) -> str:
        """s3://bucket/prefix."""
        return f"s3://{self.bucket.config.bucket}/{self.prefix}"

    @property
    def console(self) -> str:
        """URL of the folder in the AWS console; empty for other stores."""
        return self._page("buckets", f"{self.prefix}/")

    @property
    def console_of_file(self) -> str:
        """Like `console`, for a prefix that is the key of a single object."""
        return self._page("object", self.prefix)

    def _page(self, kind: str, prefix: str) -> str:
        if not self.bucket.is_aws:
            return ""
        region, bucket = self.bucket.config.region, self.bucket.config.bucket
        return f"https://{region}.console.aws.amazon.com/s3/{kind}/{bucket}?region={region}&prefix={quote(prefix)}"


@dataclass(frozen=True)
class Upload:
    """An upload that has passed all checks but not started."""

    source: ModelLocation
    target: ModelLocation
    checkpoint: model_files.Chosen
    files: Mapping[str, bytes | ObjectInfo]  # name under the target → content, or the object to copy
    existing: tuple[ObjectInfo, ...]  # objects that are at the target now
    findings: tuple[console.ImportFault, ...]
    warnings: tuple[str, ...]
    was_finished: bool  # an interrupted upload to this target was finished first

    @property
    def sizes(self) -> dict[str, int]:
        """Size of each file."""
        return {
            name: len(item) if isinstance(item, bytes) else item.size_bytes
            for name, item in self.files.items()
        }

    @property
    def total_bytes(self) -> int:
        """Size of all files."""
        return sum(self.sizes.values())

    def outdated(self, *, wipe: bool) -> list[str]:
        """Keys at the target that will be deleted."""
        return model_files.outdated(self.target.prefix, self.existing, self.files, wipe=wipe)

    def to_dict(self, *, wipe: bool) -> dict[str, Any]:
        """For JSON."""
        return {
            "source": self.source.address,
            "target": self.target.address,
            "console": self.target.console,
            "checkpoint": str(self.checkpoint.name),
            "files": self.sizes,
            "bytes": self.total_bytes,
            "deleted": self.outdated(wipe=wipe),
            "import_findings": [vars(finding) for finding in self.findings],
        }


def prepare(
    settings: Settings,
    workspace: Workspace,
    which: Which,
    *,
    prefix: str | None = None,
    upload_prefix: str | None = None,
    is_local: bool = False,
    is_dry: bool = False,
) -> Upload:
    """Choose the files and check everything. Starts the embedded store if needed; changes nothing else.

    Unless `is_dry`, an earlier upload to the same target that was interrupted while it switched files is
    finished first.

    Args:
        settings: settings of the run whose model is uploaded.
        workspace: its workspace.
        which: the checkpoint.
        prefix: prefix of the model at source and target, instead of those in the settings.
        upload_prefix: prefix at the target, instead of DR_UPLOAD_S3_PREFIX.
        is_local: upload to the workspace's own bucket.
        is_dry: change nothing.
    """
    own = open_bucket(settings, workspace, write=is_local and not is_dry)
    source = ModelLocation(own, transfer.prefix_of(prefix or settings.local_s3_model_prefix))
    there = transfer.prefix_of(prefix or upload_prefix or settings.upload_s3_prefix)
    target = ModelLocation(own if is_local else open_upload_bucket(settings), there)
    check_apart(source, target, workspace)
    checkpoint = model_files.choose(own, source.prefix, which)
    address = target.bucket.config.bucket, target.prefix
    files, warnings = collect(settings, source, address, checkpoint, is_other=prefix is not None)
    was_finished = not is_dry and transfer.recover(target.bucket, target.prefix)
    existing = tuple(target.bucket.list(f"{target.prefix}/"))
    inside = model_files.models_inside(target.prefix, existing)
    if inside:
        raise DrError(
            f"{target.address} is a folder that contains other models: {', '.join(inside)}.",
            "Choose another DR_UPLOAD_S3_PREFIX.",
        )
    upload = Upload(source, target, checkpoint, files, existing, (), tuple(warnings), was_finished)
    small = {name: item for name, item in files.items() if isinstance(item, bytes)}
    return replace(upload, findings=tuple(console.check_import(upload.sizes, small)))


def upload(prepared: Upload, *, wipe: bool, tell: Tell = transfer.quiet) -> None:
    """Upload all files or none: after a DrError the target is as it was before."""
    objects = [item for item in prepared.files.values() if isinstance(item, ObjectInfo)]
    meter = Meter(prepared.total_bytes, tell, model_files.total_bytes(objects))
    with tempfile.TemporaryDirectory(prefix="drcli-upload-") as folder:
        fetched = dict(transfer.fetch(prepared.source.bucket, objects, Path(folder), meter))
        files: dict[str, Content] = {
            name: item if isinstance(item, bytes) else fetched[item] for name, item in prepared.files.items()
        }
        target = prepared.target
        drop = prepared.outdated(wipe=wipe)
        transfer.replace_files(target.bucket, target.prefix, files, drop=drop, meter=meter)


def check_apart(source: ModelLocation, target: ModelLocation, workspace: Workspace) -> None:
    """Raise DrError if a model would overwrite itself or one that is being trained."""
    if not model_files.is_same_bucket(source.bucket, target.bucket):
        return
    if model_files.overlap(source.prefix, target.prefix):
        raise DrError(
            f"Source and target overlap: {target.address} is the model itself, a folder inside it, or its parent.",
            "Choose another target prefix.",
        )
    check_idle(workspace, target.prefix)


def check_idle(workspace: Workspace, prefix: str) -> None:
    """Raise DrError while a run of this workspace writes to the prefix, a folder inside it, or its parent."""
    for folder in run_control.running(workspace):
        busy = folder.read_head().prefix
        if model_files.overlap(busy, prefix):
            stop = "stop-training" if folder.kind == "training" else "stop-evaluation"
            raise DrError(
                f"The {folder.kind} of run {folder.run_id} is using the model {busy}.",
                f"Stop it with `dr {stop} --set DR_RUN_ID={folder.run_id}`.",
            )


def collect(
    settings: Settings,
    source: ModelLocation,
    target: tuple[str, str],
    checkpoint: model_files.Chosen,
    *,
    is_other: bool,
) -> tuple[dict[str, bytes | ObjectInfo], list[str]]:
    """What the upload of one checkpoint consists of, by name, and warnings about it.

    Args:
        settings: settings of the run whose model is uploaded.
        source: where the model is.
        target: bucket and prefix that the params document names.
        checkpoint: the checkpoint.
        is_other: whether it is another model than that of the settings.
    """
    bucket, keys = source.bucket, ModelKeys(source.prefix)
    warnings: list[str] = []
    # The custom files belong to the model in the settings, not to another one.
    spare = () if is_other else (settings.local_s3_reward_key,)
    metadata = _need(bucket, keys.model_metadata)
    document = render_upload(settings, *target)
    files: dict[str, bytes | ObjectInfo] = {
        "model/model_metadata.json": metadata,
        "model_metadata.json": metadata,
        "reward_function.py": _need(bucket, keys.reward_function, *spare),
        "ip/hyperparameters.json": _need(bucket, keys.hyperparameters),
        "model/deepracer_checkpoints.json": checkpoint.index.to_json(),
        "model/.coach_checkpoint": str(checkpoint.name).encode(),
        UPLOAD_NAME: to_yaml(document.values).encode(),
    }
    for info in checkpoint.objects:
        files[f"model/{info.key.rpartition('/')[2]}"] = info
    metrics = keys.key("metrics") if is_other else join(settings.local_s3_metrics_prefix)
    found = model_files.relative(metrics, bucket.list(f"{metrics}/"))
    files |= {f"metrics/{name}": bucket.get(info.key) for name, info in found.items()}
    if not found:
        warnings.append(f"The model has no metrics under {metrics}.")
    warnings += _differences(settings, bucket, keys, document.values)
    return files, warnings


def _need(bucket: Bucket, *keys: str) -> bytes:
    for key in keys:
        content = bucket.find(key)
        if content is not None:
            return content
    raise DrError(
        f"The model is incomplete: {keys[0]} was not found in the {bucket.config.place}.",
        "A training writes this file; `dr models` lists the models.",
    )


def _differences(
    settings: Settings, bucket: Bucket, keys: ModelKeys, values: Mapping[str, object]
) -> list[str]:
    """Where the upload's params document, made from the settings, differs from that of the training."""
    import yaml

    trained: object = None
    with suppress(yaml.YAMLError):
        trained = yaml.safe_load(bucket.find(keys.params(settings.local_s3_training_params_file)) or b"")
    if not isinstance(trained, dict):
        return []
    return [
        f"{UPLOAD_NAME} has {key} {json.dumps(values.get(key))} from the settings, "
        f"but the model was trained with {json.dumps(trained[key])}."
        for key in ("WORLD_NAME", "RACE_TYPE")
        if key in trained and str(trained[key]) != values.get(key)
    ]
