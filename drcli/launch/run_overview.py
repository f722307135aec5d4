"""The state of a run at a glance: stack, progress, store, as one structure for the table and for JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from drcli.config.settings import Settings
from drcli.errors import DrError
from drcli.launch import run_control
from drcli.launch.bucket import bucket_if_running
from drcli.launch.plan import Plan
from drcli.launch.run_folder import RunFolder
from drcli.launch.run_view import RunView
from drcli.paths import Workspace
from drcli.store.run_status import RunStatus, read_status

_PROGRESS = (
    "world_name",
    "seed",
    "workers",
    "phase",
    "teacher_steps",
    "teacher",
    "student",
    "iteration",
    "episodes",
    "steps",
    "steps_per_s",
    "real_time_factor",
    "reward",
    "training_progress",
    "evaluations",
    "evaluation_progress",
    "best_checkpoint",
    "best_metric",
    "last_checkpoint",
    "stop_reason",
)


def overview(settings: Settings, workspace: Workspace) -> dict[str, Any]:
    """What is running under DR_RUN_ID, and its progress; None for unknown values. Starts nothing."""
    seen = run_control.read(workspace, "training", settings.run_id)
    started = _last_started(settings, workspace)
    prefix = started.prefix if started else settings.local_s3_model_prefix
    store, status = _store(settings, workspace, prefix)
    training = _stack(seen)
    is_ours = started is None or started.is_ours  # other engines do not report progress
    if (
        training["state"] == "running"
        and is_ours
        and (status is None or status.state in ("starting", "stopped"))
    ):
        training["state"] = "starting"
    progress = asdict(status) if status else {}
    return {
        "run_id": settings.run_id,
        "model": prefix,
        **{key: value for key, value in training.items() if key != "services"},
        **{key: progress.get(key) for key in _PROGRESS},
        "elapsed_s": status.elapsed_s if status else None,
        "services": training["services"],
        "evaluation": _stack(_evaluation(workspace, settings.run_id)),
        "store": store,
    }


def format_overview(seen: dict[str, Any]) -> str:
    """As aligned text; unknown values are left out. viewer: its address, if the caller knows one. Pure."""
    world = f" on {seen['world_name']}" if seen["world_name"] else ""
    rows = [(f"run {seen['run_id']}", _state(seen)), ("model", seen["model"] + world)]
    if seen["steps"] is not None:
        rows += _progress_rows(seen)
    rows += [(service["name"], _service(service)) for service in seen["services"]]
    if seen["hint"]:
        rows.insert(1, ("hint", seen["hint"]))
    rows.append(("evaluation", _state(seen["evaluation"])))
    rows.append(("store", _state(seen["store"])))
    if seen.get("viewer"):
        rows.append(("viewer", seen["viewer"]))
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:<{width}}  {text}" for name, text in rows)


def _progress_rows(seen: dict[str, Any]) -> list[tuple[str, str]]:
    marks = [(who, seen[who]) for who in ("teacher", "student") if seen[who]]
    if seen["phase"] == "teacher" or marks:
        marks.insert(0, ("phase", f"{seen['phase']}, {seen['teacher_steps']:,} steps of the teacher"))
    rate = f"{seen['steps_per_s']:,.0f} steps/s, {seen['real_time_factor']:.1f} times real time"
    rows = [
        *marks,
        ("iteration", str(seen["iteration"])),
        ("episodes", str(seen["episodes"])),
        ("steps", f"{seen['steps']:,} in {seen['elapsed_s']:,.0f} s ({rate})"),
    ]
    if seen["reward"] is not None:
        rows.append(("reward", f"{seen['reward']:.1f} (mean of the last episodes)"))
    if seen["evaluation_progress"] is not None:
        rows.append(("evaluation progress", f"{seen['evaluation_progress']:.0f} %"))
    rows.append(("checkpoints", f"best {seen['best_checkpoint']}, last {seen['last_checkpoint']}"))
    return rows


def _state(seen: dict[str, Any]) -> str:
    parts = (seen.get(key) for key in ("state", "message", "stop_reason", "endpoint_url"))
    return ", ".join(part for part in parts if part)


def _service(service: dict[str, Any]) -> str:
    restarts = f", {service['restarts']} restarts" if service["restarts"] else ""
    node = f" on {service['node']}" if service["node"] else ""
    message = f": {service['message']}" if service["message"] else ""
    return f"{service['state']}{node}{restarts}{message}"


def _stack(seen: RunView | None) -> dict[str, Any]:
    if seen is None:
        return {"state": "never started", "message": "", "hint": "", "services": []}
    services = [
        {k: v for k, v in asdict(r).items() if k not in ("service", "exit_code")} for r in seen.replicas
    ]
    return {"state": seen.state, "message": seen.message, "hint": seen.hint, "services": services}


def _evaluation(workspace: Workspace, run_id: int) -> RunView | None:
    """The evaluation of the run; None if there is none or it ended before the training was started."""
    seen = run_control.read(workspace, "evaluation", run_id)
    evaluation = RunFolder.of(workspace, "evaluation", run_id)
    is_older = evaluation.started_at < RunFolder.of(workspace, "training", run_id).started_at
    return None if seen is not None and is_older and not seen.is_alive else seen


def _store(settings: Settings, workspace: Workspace, prefix: str) -> tuple[dict[str, Any], RunStatus | None]:
    """The state of the store, and the run's status document."""
    bucket = bucket_if_running(settings, workspace)
    if bucket is None:
        return {"state": "stopped", "message": "", "endpoint_url": None}, None
    store: dict[str, Any] = {"state": "running", "message": "", "endpoint_url": bucket.config.endpoint_url}
    try:
        return store, read_status(bucket, prefix)
    except DrError as error:
        return store | {"state": "unreachable", "message": error.message}, None


def _last_started(settings: Settings, workspace: Workspace) -> Plan | None:
    """The plan of the training that was started last, even if run.env was edited since."""
    folder = RunFolder.of(workspace, "training", settings.run_id)
    try:
        return folder.read_head() if folder.exists else None
    except (OSError, ValueError, TypeError):  # it is being replaced
        return None
