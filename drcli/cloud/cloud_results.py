"""Brings the results of a job here: its logs to `data/cloud/NAME/`, its models to the workspace's own bucket."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from drcli.cloud.cloud_overview import JobView
from drcli.cloud.cloud_place import local_folder
from drcli.config.settings import Settings
from drcli.launch.store_access import store_config
from drcli.models import copies
from drcli.models.copies import Transfer
from drcli.models.model_location import ModelLocation
from drcli.paths import Workspace
from drcli.store.model_list import ModelInfo, list_models


def fetch_logs(view: JobView, workspace: Workspace) -> list[Path]:
    """Download the job, its state, its logs and what it knows about a sweep; where they are now."""
    job, bucket, folder = view.job, view.place.bucket, local_folder(workspace, view.job.name)
    sent = (job.keys.workspace, ".whl")  # from here
    paths = []
    for key in (info.key for info in bucket.list(job.keys.folder) if not info.key.endswith(sent)):
        path = folder / key.removeprefix(job.keys.folder)
        bucket.download_file(key, path)
        paths.append(path)
    return paths


def models_of(view: JobView) -> list[ModelInfo]:
    """The model that the job trains; of a sweep or an evaluation those that were written since it was started."""
    models = list_models(view.place.bucket)
    if view.state is not None and view.state.model_prefix:
        return [model for model in models if model.prefix == view.state.model_prefix]
    return [model for model in models if model.last_change >= view.created]


def is_here(view: JobView, settings: Settings, workspace: Workspace) -> bool:
    """Whether the job's bucket is that of the workspace, so that its models are here already."""
    own = store_config(settings, workspace)
    return own.endpoint_url is None and own.bucket == view.place.bucket_name


def prepare_pull(
    view: JobView, settings: Settings, workspace: Workspace, models: list[ModelInfo]
) -> Iterator[Transfer]:
    """Prepare to copy each model to the same prefix of the workspace's bucket. Raises as `prepare_download`."""
    for model in models:
        source = ModelLocation(view.place.bucket, model.prefix)
        yield copies.prepare_fetch(settings, workspace, source)
