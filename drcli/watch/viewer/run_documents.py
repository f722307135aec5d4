"""What the page knows of runs and models, as plain documents; read from run folders and the bucket, never raising."""

from __future__ import annotations

import re
import time
from dataclasses import asdict
from typing import Any

from drcli.contract.keys import ModelKeys
from drcli.errors import DrError
from drcli.launch import run_control
from drcli.launch.run_folder import RunFolder
from drcli.launch.run_view import RunView
from drcli.paths import Workspace
from drcli.store.client import Bucket
from drcli.store.learning_curve import read_curve
from drcli.store.metrics import TrainingMetrics
from drcli.store.run_status import read_status
from drcli.watch.viewer.metrics_curve import curve_of
from drcli.watch.viewer.viewer_context import ViewerContext

Document = dict[str, Any]


def read_runs(context: ViewerContext) -> Document:
    """`{"runs": [...]}`: every run of the workspace, the one that was started last first."""
    folders = sorted(run_control.folders(context.workspace), key=lambda folder: -folder.started_at)
    return {"runs": [run for folder in folders if (run := _run(folder)) is not None]}


def _run(folder: RunFolder) -> Document | None:
    try:
        plan = folder.read_head()
    except (OSError, ValueError, TypeError):  # it is being replaced
        return None
    try:
        seen = run_control.read(Workspace(folder.workspace), folder.kind, folder.run_id)
    except DrError as error:  # Docker does not respond
        seen = RunView("lost", message=error.message, hint=error.hint)
    return {
        "run_id": folder.run_id,
        "kind": folder.kind,
        "model": plan.prefix,
        "world_name": plan.world_name,
        "style": plan.style,
        "is_ours": plan.is_ours,
        "started_at": folder.started_at,
        "is_alive": seen is not None and seen.is_alive,
        **_state(seen),
    }


def _state(seen: RunView | None) -> Document:
    if seen is None:
        return {"state": "never started", "message": "", "hint": "", "services": []}
    services = [
        {
            "name": replica.name,
            "service": replica.service,
            "state": replica.state,
            "restarts": replica.restarts,
            "node": replica.node,
            "message": replica.message,
        }
        for replica in seen.replicas
    ]
    return {"state": seen.state, "message": seen.message, "hint": seen.hint, "services": services}


class ModelReader:
    """The documents of one model: `status`, `curve`, `store`. Keeps what it read last while the store is away."""

    def __init__(self, context: ViewerContext, prefix: str) -> None:
        self._context, self._prefix = context, prefix
        self._last: Document = {"status": None, "curve": {"source": "", "points": [], "evaluations": []}}
        self._curve_due = 0.0

    def __call__(self) -> Document:
        """Read them; the curve at most every two seconds."""
        store: Document = {"state": "running", "message": "", "hint": ""}
        try:
            bucket = self._context.bucket()
            status = read_status(bucket, self._prefix)
            self._last["status"] = (
                None if status is None else asdict(status) | {"elapsed_s": status.elapsed_s}
            )
            if time.monotonic() >= self._curve_due:
                self._last["curve"] = _curve(bucket, self._prefix)
                self._curve_due = time.monotonic() + 2.0
        except (DrError, ValueError) as error:
            message = error.message if isinstance(error, DrError) else str(error)
            store = {"state": "away", "message": message, "hint": getattr(error, "hint", "")}
        return {**self._last, "store": store}


def _curve(bucket: Bucket, prefix: str) -> Document:
    """The learning curve; for engines that write none, from the metrics of its episodes."""
    curve, source = read_curve(bucket, prefix), "learning"
    if not curve.points and not curve.evaluations:
        curve, source = curve_of(_metrics(bucket, ModelKeys(prefix).default_metrics)), "metrics"
    return {
        "source": source,
        "points": [asdict(point) for point in curve.points],
        "evaluations": [asdict(evaluation) for evaluation in curve.evaluations],
    }


def _metrics(bucket: Bucket, key: str) -> list[TrainingMetrics]:
    """The metrics of all workers, the first one first."""
    stem = key.removesuffix(".json")
    named = (
        info.key for info in bucket.list(stem) if re.fullmatch(r"(_\d+)?\.json", info.key.removeprefix(stem))
    )
    found = ((each, bucket.find(each)) for each in sorted(named, key=lambda each: (len(each), each)))
    return [TrainingMetrics.from_json(data, each) for each, data in found if data is not None]


def curve_news(name: str, old: Any, new: Any) -> Any:
    """Of a curve only the points that came; `"from"` says how many of each list the client keeps. Else the document."""
    if name != "curve":
        return new
    kept = {}
    for part in ("points", "evaluations"):
        known = old[part] if old else []
        kept[part] = len(known) if known == new[part][: len(known)] else 0
    return {
        "source": new["source"],
        "from": kept,
        **{part: new[part][count:] for part, count in kept.items()},
    }
