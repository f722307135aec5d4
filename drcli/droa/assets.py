"""Files that a deployment offers of a model: its archive, the car's, logs. It may have to pack them first."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from drcli.droa import web
from drcli.droa.api import Api
from drcli.droa.remote_models import RemoteModel
from drcli.errors import DrError, UsageError
from drcli.store.transfer import Tell, quiet

PAUSE_S = 5.0
_PATIENCE_S = 900.0  # the deployment's own limit for packing
_ENDINGS = (".tar.gz", ".zip")


@dataclass(frozen=True)
class Asset:
    """One kind of file: its type in the API, what we call it, and the name of the file (without its ending)."""

    kind: str
    words: str
    file_name: str
    evaluation_id: str = ""


def virtual_model(model: RemoteModel) -> Asset:
    """Everything of a model, for another import."""
    return Asset("VIRTUAL_MODEL", "the model", f"virtualmodel-{_file_name(model)}")


def car_model(model: RemoteModel) -> Asset:
    """What a car installs; the car names the model after the file."""
    return Asset("PHYSICAL_CAR_MODEL", "the car's archive", _file_name(model))


def training_logs(model: RemoteModel) -> Asset:
    """The logs and the metrics of its training."""
    return Asset("TRAINING_LOGS", "the logs of the training", f"{_file_name(model)}-training")


def evaluation_logs(model: RemoteModel, evaluation_id: str) -> Asset:
    """The logs and the metrics of an evaluation."""
    name = f"{_file_name(model)}-evaluation"
    return Asset("EVALUATION_LOGS", f"the logs of evaluation {evaluation_id}", name, evaluation_id)


def asset_url(api: Api, model: RemoteModel, asset: Asset, waiting: Callable[[], None] = lambda: None) -> str:
    """Where the file can be downloaded for some minutes; waits while it is packed, and calls `waiting` meanwhile.

    Raises DrError if there is none, or it is not ready in time.
    """
    query = {"assetType": asset.kind}
    if asset.evaluation_id:
        query["evaluationId"] = asset.evaluation_id
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        answer = api.get(f"/models/{model.model_id}/getasset", **query)
        if url := answer.get("url"):
            return str(url)
        if answer.get("status") != "QUEUED":
            raise DrError(f"{model} has no file for {asset.words}.", "`dr droa list` shows its status.")
        if time.monotonic() > deadline:
            raise DrError(f"{asset.words} of {model} is still being packed.", "Try again later.")
        waiting()
        time.sleep(PAUSE_S)


def target_path(target: Path | None, asset: Asset) -> Path:
    """Where the file goes: `target`, or the usual name in the folder `target` (default: the current one).

    Raises UsageError if `target` is a file with an ending that does not fit.
    """
    name = f"{asset.file_name}{_ENDINGS[0]}"
    if target is None or target.is_dir():
        return (target or Path()) / name
    if not target.name.endswith(_ENDINGS):
        raise UsageError(
            f"{target} is neither a folder nor named like an archive.",
            f"Did you mean {target}{_ENDINGS[0]}? A new folder has to be created first.",
        )
    return target


def download(url: str, path: Path, tell: Tell = quiet) -> int:
    """Download the file, complete or not at all; its size in bytes."""
    if urlsplit(url).scheme not in ("https", "http"):
        raise DrError("The API returned no address that can be downloaded.")
    return web.download(url, path, tell)


def _file_name(model: RemoteModel) -> str:
    """The model's name, also where it is not one that the API allows."""
    return re.sub(r"[^A-Za-z0-9-]", "-", model.name)
