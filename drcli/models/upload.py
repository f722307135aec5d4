"""`dr upload-model`: upload exactly one checkpoint of a model, with everything that belongs to it."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drcli.config.settings import Settings
from drcli.errors import DrError
from drcli.import_checks.findings import ImportFault
from drcli.import_checks.import_check import check_import
from drcli.launch import run_control
from drcli.launch.bucket import open_bucket
from drcli.launch.store_access import open_upload_bucket
from drcli.models.model_location import ModelLocation
from drcli.models.upload_files import UploadFiles, collect
from drcli.paths import Workspace
from drcli.store import model_files, transfer
from drcli.store.checkpoints import Which
from drcli.store.client import ObjectInfo
from drcli.store.transfer import Content, Meter, Tell


@dataclass(frozen=True)
class Upload:
    """An upload that has passed all checks but not started."""

    model: UploadFiles
    target: ModelLocation
    existing: tuple[ObjectInfo, ...]  # objects that are at the target now
    findings: tuple[ImportFault, ...]
    was_finished: bool  # an interrupted upload to this target was finished first

    @property
    def total_bytes(self) -> int:
        """Size of all files."""
        return sum(self.model.sizes.values())

    def outdated(self, *, wipe: bool) -> list[str]:
        """Keys at the target that will be deleted."""
        return model_files.outdated(self.target.prefix, self.existing, self.model.files, wipe=wipe)

    def to_dict(self, *, wipe: bool) -> dict[str, Any]:
        """For JSON."""
        return {
            "source": self.model.source.address,
            "target": self.target.address,
            "console": self.target.console,
            "checkpoint": str(self.model.checkpoint.name),
            "files": self.model.sizes,
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
    model = collect(settings, source, which, (target.bucket.config.bucket, target.prefix))
    was_finished = not is_dry and transfer.recover(target.bucket, target.prefix)
    existing = tuple(target.bucket.list(f"{target.prefix}/"))
    inside = model_files.models_inside(target.prefix, existing)
    if inside:
        raise DrError(
            f"{target.address} is a folder that contains other models: {', '.join(inside)}.",
            "Choose another DR_UPLOAD_S3_PREFIX.",
        )
    findings = tuple(check_import(model.sizes, model.documents, routes=workspace.tracks))
    return Upload(model, target, existing, findings, was_finished)


def preview(
    settings: Settings,
    workspace: Workspace,
    which: Which,
    prefix: str | None = None,
    target: tuple[str, str] | None = None,
) -> UploadFiles:
    """What `upload` would send, without looking at the target.

    target: bucket and prefix that the params document names, instead of those in the settings.
    """
    source = ModelLocation(
        open_bucket(settings, workspace), transfer.prefix_of(prefix or settings.local_s3_model_prefix)
    )
    usual = settings.upload_s3_bucket, transfer.prefix_of(prefix or settings.upload_s3_prefix)
    return collect(settings, source, which, target or usual)


def upload(prepared: Upload, *, wipe: bool, tell: Tell = transfer.quiet) -> None:
    """Upload all files or none: after a DrError the target is as it was before."""
    objects = [item for item in prepared.model.files.values() if isinstance(item, ObjectInfo)]
    meter = Meter(prepared.total_bytes, tell, model_files.total_bytes(objects))
    with tempfile.TemporaryDirectory(prefix="drcli-upload-") as folder:
        fetched = dict(transfer.fetch(prepared.model.source.bucket, objects, Path(folder), meter))
        files: dict[str, Content] = {
            name: item if isinstance(item, bytes) else fetched[item]
            for name, item in prepared.model.files.items()
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
