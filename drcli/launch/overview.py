"""The state of a run at a glance: stack, services, progress, as one structure for the table and for JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from drcli.config.settings import Settings
from drcli.errors import DrError
from drcli.launch import stack
from drcli.launch.plan import Kind
from drcli.launch.run_folder import RunFolder, Stack
from drcli.paths import Workspace
from drcli.store.access import is_embedded, store_config
from drcli.store.client import Bucket
from drcli.store.server import server_status
from drcli.store.status import RunStatus, read_status


def overview(settings: Settings, workspace: Workspace) -> dict[str, Any]:
    """What is running under DR_RUN_ID and how far it is. Starts nothing."""
    run_id = settings.run_id
    seen = {kind: stack.read(workspace, kind, run_id) for kind in ("training", "evaluation")}
    prefix = _prefix(workspace, run_id, settings) if seen["training"] else settings.local_s3_model_prefix
    found: dict[str, Any] = {"run_id": run_id, "model": prefix}
    found |= {kind: _stack(one) for kind, one in seen.items()}
    found["store"] = _store(settings, workspace)
    found["progress"] = (
        _progress(settings, workspace, prefix) if found["store"]["state"] == "running" else None
    )
    return found


def format_overview(seen: dict[str, Any]) -> str:
    """As text. Pure."""
    lines = [f"run {seen['run_id']}, model {seen['model']}"]
    for kind in ("training", "evaluation"):
        one = seen[kind]
        lines.append(f"{kind}: {one['state']}" + (f" - {one['message']}" if one["message"] else ""))
        lines += [f"  {s['name']}: {s['state']}, {s['restarts']} restarts" for s in one["services"]]
    lines.append(f"store: {seen['store']['state']} {seen['store']['endpoint_url'] or ''}".rstrip())
    lines += [
        f"  {name.replace('_', ' ')}: {_text(value)}" for name, value in (seen["progress"] or {}).items()
    ]
    return "\n".join(lines)


def _text(value: object) -> str:
    return f"{value:,.2f}" if isinstance(value, float) else "-" if value is None else str(value)


def _stack(seen: Stack | None) -> dict[str, Any]:
    if seen is None:
        return {"state": "never started", "message": "", "services": []}
    state = seen.state if seen.is_over or seen.is_alive else "lost"
    services = [
        {
            "name": replica.name,
            "state": "running" if replica.is_alive else "ended" if replica.exit_code == 0 else "down",
            "pid": replica.process.pid if replica.is_alive else None,
            "restarts": replica.restarts,
        }
        for replica in seen.replicas
    ]
    return {"state": state, "message": seen.message, "services": services}


def _store(settings: Settings, workspace: Workspace) -> dict[str, Any]:
    if is_embedded(settings):
        status = server_status(workspace)
        return {"state": "running" if status.running else "stopped", "endpoint_url": status.endpoint_url}
    return {"state": "running", "endpoint_url": settings.store_endpoint_url}


def _progress(settings: Settings, workspace: Workspace, prefix: str) -> dict[str, Any] | None:
    status = read_status(Bucket(store_config(settings, workspace)), prefix)
    return None if status is None else _as_progress(status)


def _as_progress(status: RunStatus) -> dict[str, Any]:
    return {**asdict(status), "elapsed_s": status.elapsed_s}


def _prefix(workspace: Workspace, run_id: int, settings: Settings) -> str:
    """The model of the run that was started last, also after run.env was edited."""
    kind: Kind = "training"
    try:
        return str(RunFolder.of(workspace, kind, run_id).read_plan()["prefix"])
    except (OSError, ValueError, KeyError, DrError):
        return settings.local_s3_model_prefix
