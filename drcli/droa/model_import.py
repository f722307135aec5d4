"""Imports a model into a deployment: collect its files, check them, upload them, start the import, wait for it.

The files go to `uploads/models/<uuid>/` in the upload bucket, where users may write but not read or delete.
"""

from __future__ import annotations

import re
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from drcli.config.settings import Settings
from drcli.droa.api import Api
from drcli.droa.remote_models import RemoteModel, get_model
from drcli.droa.session import Session
from drcli.errors import DrError, UsageError
from drcli.import_checks.findings import ImportFault
from drcli.import_checks.folder_rules import check_request
from drcli.import_checks.import_check import check_import
from drcli.import_checks.model_folder import read_folder
from drcli.models.upload import preview
from drcli.paths import Workspace
from drcli.store import model_files, transfer
from drcli.store.checkpoints import Which
from drcli.store.client import Bucket, ObjectInfo
from drcli.store.store_config import StoreConfig
from drcli.store.transfer import Meter, Tell

PAUSE_S = 5.0
_PATIENCE_S = 1800.0
_UNWANTED = re.compile(
    r"\.DS_Store|Thumbs\.db|desktop\.ini|\._.*|.*\.(gz|zip|pyc)"
)  # the website omits them, too

Item = bytes | ObjectInfo | Path


@dataclass(frozen=True)
class ImportFiles:
    """What will be imported: name → content, object in the workspace's bucket, or file."""

    origin: str  # for messages
    key: str  # prefix in the upload bucket
    files: Mapping[str, Item]
    findings: tuple[ImportFault, ...]
    warnings: tuple[str, ...] = ()
    bucket: Bucket | None = None  # where the objects are

    @property
    def sizes(self) -> dict[str, int]:
        """Size of each file."""
        return {name: _size(item) for name, item in self.files.items()}

    @property
    def total_bytes(self) -> int:
        """Size of all files."""
        return sum(self.sizes.values())


def check_texts(name: str, description: str) -> None:
    """Raise UsageError if the API would refuse the model's name or its description."""
    for finding in check_request(name, description):
        raise UsageError(
            f"{finding.file}: {finding.message}.", f"{finding.hint[:1].upper()}{finding.hint[1:]}."
        )


def name_for(source: str) -> str:
    """A valid model name made from a prefix or the path of a folder."""
    last = source.rstrip("/").rpartition("/")[2]
    return re.sub(r"[^a-zA-Z0-9-]+", "-", last).strip("-")[:64] or "model"


def from_prefix(
    settings: Settings, workspace: Workspace, prefix: str | None, which: Which, upload_bucket: str
) -> ImportFiles:
    """One checkpoint of a model in the workspace's bucket, with the same files as `dr upload-model`."""
    key = _new_key()
    found = preview(settings, workspace, which, prefix, target=(upload_bucket, key))
    findings = tuple(check_import(found.sizes, found.documents, routes=workspace.tracks))
    origin = f"{found.source.address} {found.checkpoint.name}"
    return ImportFiles(origin, key, found.files, findings, found.warnings, found.source.bucket)


def from_folder(folder: Path) -> ImportFiles:
    """All files of a folder, as they are. Raises DrError if it cannot be read or is empty."""
    found = read_folder(folder)
    names = [name for name in found.sizes if not _UNWANTED.fullmatch(name.rpartition("/")[2])]
    if not names:
        raise DrError(f"{folder} contains no files of a model.")
    findings = tuple(check_import({name: found.sizes[name] for name in names}, found.documents))
    return ImportFiles(str(folder), _new_key(), {name: folder / name for name in names}, findings)


def upload(found: ImportFiles, session: Session, tell: Tell = transfer.quiet) -> None:
    """Upload all files. Raises DrError if that fails; nothing is imported then."""
    deployment, keys = session.deployment, session.keys()
    target = Bucket(
        StoreConfig(
            deployment.upload_bucket,
            region=deployment.region,
            access_key=keys.access_key,
            secret_key=keys.secret_key,
            session_token=keys.session_token,
        )
    )
    objects = [item for item in found.files.values() if isinstance(item, ObjectInfo)]
    meter = Meter(found.total_bytes, tell, model_files.total_bytes(objects))
    with _fetched(found, objects, meter) as fetched:
        for name, item in found.files.items():
            content = fetched[item] if isinstance(item, ObjectInfo) else item
            try:
                _put(target, f"{found.key}/{name}", content, meter.of(name.rpartition("/")[2]))
            except DrError as error:
                raise DrError(f"The upload failed, so nothing was imported: {error.message}") from error


def start(found: ImportFiles, api: Api, name: str, description: str) -> str:
    """Start the import of uploaded files; the id of the new model. Raises DrError if it is refused."""
    body = {
        "s3Bucket": api.session.deployment.upload_bucket,
        "s3Path": found.key,
        "modelName": name,
    }
    if description:
        body["modelDescription"] = description
    model_id = api.post("/importmodel", body).get("modelId")
    if not isinstance(model_id, str) or not model_id:
        raise DrError(
            "The import was accepted, but no model id was returned.", "`dr droa list` shows the model."
        )
    return model_id


def wait(api: Api, model_id: str, tell: Callable[[str], None]) -> RemoteModel:
    """Wait until an import has ended, calling `tell` with the status; the model.

    Raises DrError with the reason if it failed, or if it takes too long.
    """
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        model = get_model(api, model_id)
        if model.status == "ERROR":
            raise DrError(
                f"The import of {model} failed: {model.import_error or 'no reason was given'}",
                f"`dr droa delete {model_id}` removes what is left of it.",
            )
        if model.status not in ("IMPORTING", "QUEUED"):
            return model
        if time.monotonic() > deadline:
            raise DrError(
                f"{model} is still {model.status} after {_PATIENCE_S / 60:.0f} minutes.",
                f"`dr droa show {model_id}` shows its status.",
            )
        tell(model.status)
        time.sleep(PAUSE_S)


def _put(target: Bucket, key: str, content: bytes | Path, moved: Callable[[int], None]) -> None:
    if isinstance(content, bytes):
        target.put(key, content)
        moved(len(content))
    else:
        target.upload_file(content, key, moved)


def _new_key() -> str:
    return f"uploads/models/{uuid.uuid4()}"


def _size(item: Item) -> int:
    if isinstance(item, bytes):
        return len(item)
    return item.stat().st_size if isinstance(item, Path) else item.size_bytes


@contextmanager
def _fetched(found: ImportFiles, objects: list[ObjectInfo], meter: Meter) -> Iterator[dict[ObjectInfo, Path]]:
    """The objects as files, while they are needed."""
    with tempfile.TemporaryDirectory(prefix="drcli-import-") as folder:
        yield dict(transfer.fetch(found.bucket, objects, Path(folder), meter)) if found.bucket else {}
