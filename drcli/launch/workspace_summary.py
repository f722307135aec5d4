"""The summary of a workspace: its bucket, image, model, track and what is running, as one structure, quickly.

Network and Docker queries run concurrently in threads, and no query is waited for longer than `WAIT_S`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import drcli
from drcli.config.report import masked
from drcli.config.settings import Settings
from drcli.contract.keys import ModelKeys
from drcli.contract.run_name import WORKER
from drcli.errors import DrError
from drcli.launch import run_control, store_access
from drcli.launch.launcher import launcher_of
from drcli.launch.simapp import is_ours
from drcli.paths import Workspace
from drcli.store.checkpoints import list_checkpoints
from drcli.store.client import Bucket
from drcli.store.server import server_status

WAIT_S = 1.0
_LATE = f"no response within {WAIT_S:.0f} s"
_CLOUDS = {
    "local": "this machine",
    "aws": "AWS",
    "azure": "Azure, through a store on this machine",
    "remote": "an S3 server",
}


def summary(settings: Settings, workspace: Workspace) -> dict[str, Any]:
    """The current state of the workspace. Starts nothing; what is not known in time is marked as unknown."""
    asked = _ask(
        bucket=lambda: _bucket(settings, workspace),
        image=lambda: _image(settings),
        running=lambda: _running(workspace),
    )
    return {
        "drcli": drcli.__version__,
        "workspace": str(workspace.root),
        "experiment": workspace.experiment or None,
        "cloud": settings.cloud,
        "bucket": {"name": settings.local_s3_bucket, "place": _CLOUDS[settings.cloud]}
        | _or_late(asked, "bucket"),
        "style": settings.docker_style,
        "engine": settings.simapp_source,
        "image": {"name": None} | _or_late(asked, "image"),
        "workers": settings.workers,
        "cars_per_worker": settings.cars_per_worker if is_ours(settings) else 1,
        "run_id": settings.run_id,
        "model": settings.local_s3_model_prefix,
        "pretrained": settings.local_s3_pretrained_prefix if settings.local_s3_pretrained else None,
        "race_type": settings.race_type,
        "world_name": settings.world_name,
        "car": {
            "name": settings.car_name,
            "color": settings.car_color,
            "body_shell": settings.car_body_shell_type,
        },
        "running": asked.get("running"),
        "notices": list(settings.notices),
    }


def _or_late(asked: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = asked.get(name, {"state": "unknown", "message": _LATE})
    return found


def _ask(**questions: Callable[[], Any]) -> dict[str, Any]:
    """The answers that arrive in time. A late thread is a daemon and ends with the process."""
    answers: dict[str, Any] = {}
    faults: list[BaseException] = []

    def ask(name: str, question: Callable[[], Any]) -> None:
        try:
            answers[name] = question()
        except Exception as fault:  # noqa: BLE001 - raised again below
            faults.append(fault)

    threads = [
        threading.Thread(target=ask, args=pair, name=f"summary-{pair[0]}", daemon=True)
        for pair in questions.items()
    ]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + WAIT_S
    for thread in threads:
        thread.join(max(deadline - time.monotonic(), 0.0))
    if faults:
        raise faults[0]
    return dict(answers)


def _bucket(settings: Settings, workspace: Workspace) -> dict[str, Any]:
    """Whether it is reachable, and how many checkpoints the model has."""
    try:
        config = store_access.store_config(settings, workspace)
        if store_access.is_embedded(settings) and not server_status(workspace).running:
            return _no_bucket("stopped", "starts when it is needed")
        bucket = Bucket(config)
        bucket.check()
        found = len(list_checkpoints(bucket, ModelKeys(settings.local_s3_model_prefix)))
        return {
            "state": "reachable",
            "message": "",
            "endpoint_url": masked("", config.endpoint_url or ""),
            "checkpoints": found,
        }
    except DrError as error:
        if store_access.has_own_store(settings) and not _store_runs(settings, workspace):
            return _no_bucket("stopped", "starts when it is needed")
        return _no_bucket("unreachable", masked("", error.message))


def _store_runs(settings: Settings, workspace: Workspace) -> bool:
    with suppress(DrError):  # without Docker, MinIO is not running
        return launcher_of(settings.docker_style).own_store.is_running(settings, workspace)
    return False


def _no_bucket(state: str, message: str) -> dict[str, Any]:
    return {"state": state, "message": message, "endpoint_url": None, "checkpoints": None}


def _image(settings: Settings) -> dict[str, Any]:
    """The engine's image, if one is needed."""
    launcher = launcher_of(settings.docker_style)
    name = launcher.image(settings)
    if not name:
        return {"name": None, "state": "not needed", "message": "local processes"}
    try:
        there = launcher.has_image(name)
    except DrError as error:
        return {"name": name, "state": "unknown", "message": error.message}
    return {"name": name, "state": "there" if there else "missing", "message": ""}


def _running(workspace: Workspace) -> list[dict[str, Any]]:
    """All current runs, with any DR_RUN_ID."""
    rows = []
    for folder in run_control.running(workspace):
        plan, seen = folder.read_head(), run_control.read(workspace, folder.kind, folder.run_id)
        workers = [r for r in seen.replicas if r.service == WORKER and r.state == "running"] if seen else []
        rows.append(
            {
                "kind": folder.kind,
                "run_id": folder.run_id,
                "model": plan.prefix,
                "style": plan.style,
                "state": seen.state if seen else "unknown",
                "workers": len(workers),
            }
        )
    return rows
