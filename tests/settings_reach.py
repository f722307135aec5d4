"""How far a setting reaches: which documents and stacks become others when it alone changes. Asks no engine."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path

from drcli.config.load import settings_of
from drcli.config.params_documents import render_evaluation, render_training, render_upload
from drcli.config.settings import Settings, variables
from drcli.config.variable import Variable
from drcli.contract.run_name import RUN_KINDS
from drcli.launch.docker.community_stacks import community_stack
from drcli.launch.docker.container_launcher import ContainerLauncher
from drcli.launch.docker.minio_spec import minio_spec
from drcli.launch.docker.own_stacks import own_stack
from drcli.launch.launcher import RunRequest, launcher_of
from drcli.launch.machine import Machine, Snapshot
from drcli.launch.store_access import services_endpoint, store_config
from drcli.paths import Workspace

AREAS = ("training", "evaluation", "upload", "our stack", "community's stack", "bucket")
_NOW = datetime(2026, 1, 2, 3, 4, 5)
_ROOT = Path("/nowhere/racer")
_KEYS = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
_ALL_ON = {
    "DR_SIMAPP_VERSION": "1.0-cpu",
    "DR_TELEGRAF_HOST": "telegraf",
    "DR_CLOUD_WATCH_ENABLE": "True",
    "DR_HOST_X": "True",
    "DR_DISPLAY": ":3",
    "DR_LOCAL_S3_PRETRAINED": "True",
}
# Some settings matter only beside others.
CONTEXTS: tuple[Mapping[str, str], ...] = (
    {},
    {"DR_RACE_TYPE": "OBJECT_AVOIDANCE"},
    {"DR_ENABLE_DOMAIN_RANDOMIZATION": "True"},
    {"DR_RACE_TYPE": "HEAD_TO_BOT"},
    {"DR_RACE_TYPE": "HEAD_TO_MODEL"},
    {"DR_DOCKER_STYLE": "compose", "DR_LOCAL_S3_PROFILE": "minio", **_ALL_ON},
    {"DR_DOCKER_STYLE": "swarm", **_ALL_ON},
    {"DR_CLOUD": "remote", "DR_REMOTE_MINIO_URL": "http://nas:9000", "DR_LOCAL_ACCESS_KEY_ID": "a"},
    {"DR_CLOUD": "aws", "DR_DOCKER_STYLE": "compose", "DR_SIMAPP_VERSION": "1.0-cpu"},
)
_OTHER = {
    "DR_RANDOMIZE": "camera",
    "DR_OA_OBJECT_POSITIONS": "0.2,-1",
    "DR_REMOTE_MINIO_URL": "http://other:9000",
    "DR_MINIO_URL": "http://other:9000",
    "DR_TRACKS_URL": "http://other/tracks",
    "DR_DROA_URL": "http://other",
    "DR_LOCAL_S3_BUCKET": "other",
    "DR_UPLOAD_S3_BUCKET": "other",
    "DR_SIMAPP_SOURCE": "other/simapp",
    "DR_ROBOMAKER_MOUNT_SIMAPP_DIR": "/other",
    "DR_ROBOMAKER_MOUNT_SCRIPTS_DIR": "/other",
    "DR_H2B_LOWER_LANE_CHANGE_TIME": "1.5",
    "DR_H2B_UPPER_LANE_CHANGE_TIME": "7.5",
}


def other_value(row: Variable, text: str) -> str:
    """A value that the setting takes and does not have."""
    if row.name in _OTHER:
        return _OTHER[row.name]
    if row.boolean:
        return str(text.lower() != "true")
    if row.choices:
        return next(choice for choice in row.choices if choice != text)
    if "a number" in row.expected:
        return "0.5" if text != "0.5" else "0.25"
    return "7" if "whole number" in row.expected else "other"


@cache
def reaches(name: str) -> tuple[str, ...]:
    """The areas that look different when this setting does."""
    row = variables()[name]
    found = set()
    for context in CONTEXTS:
        before, was = _unchanged(CONTEXTS.index(context))
        values = dict(context) | {name: other_value(row, before.text(name))}
        if values.get("DR_CLOUD") == "remote":
            values.setdefault("DR_REMOTE_MINIO_URL", "http://nas:9000")
        now = _look(settings_of(values))
        found |= {area for area in AREAS if was[area] != now[area]}
    return tuple(area for area in AREAS if area in found)


@cache
def _unchanged(context: int) -> tuple[Settings, dict[str, object]]:
    settings = settings_of(dict(CONTEXTS[context]))
    return settings, _look(settings)


def _look(settings: Settings) -> dict[str, object]:
    workspace = Workspace(_ROOT)
    store = store_config(settings, workspace)
    endpoint = services_endpoint(settings, store)
    snapshot = Snapshot(Machine(), store, endpoint, _KEYS)
    return {
        "training": [(doc.key, doc.values) for doc in render_training(settings, endpoint)],
        "evaluation": render_evaluation(settings, endpoint, _NOW),
        "upload": render_upload(settings, settings.upload_s3_bucket, settings.upload_s3_prefix),
        "our stack": _stacks(settings, workspace, snapshot, ours=True),
        "community's stack": _stacks(settings, workspace, snapshot, ours=False),
        "bucket": (store, store.secret_key, endpoint),
    }


def _stacks(settings: Settings, workspace: Workspace, snapshot: Snapshot, *, ours: bool) -> object:
    """What runs of one engine look like; None where the style does not run it."""
    launcher = launcher_of(settings.docker_style)
    prefix = settings.local_s3_model_prefix
    requests = [RunRequest(kind, settings, workspace, prefix) for kind in RUN_KINDS]
    if not isinstance(launcher, ContainerLauncher):
        return [launcher.plan(request, snapshot) for request in requests] if ours else None
    stack = own_stack if ours else community_stack
    stacks = [stack(request, snapshot, launcher.deployment) for request in requests]
    return [*stacks, minio_spec(settings, workspace, _KEYS, {})]
