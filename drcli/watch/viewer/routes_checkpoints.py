"""`/api/checkpoints?model=PREFIX`: the checkpoints of a model, and the commands that do something with each.

The page only shows the commands; whoever wants to run one types it.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from drcli.contract.keys import ModelKeys
from drcli.errors import DrError
from drcli.store.checkpoint_files import checkpoints_among
from drcli.store.checkpoints import read_index
from drcli.watch.viewer.viewer_context import ViewerContext, answer, wanted


def routes(context: ViewerContext) -> Sequence[BaseRoute]:
    """The routes."""

    async def checkpoints(request: Request) -> Response:
        return await answer(lambda: read_checkpoints(context, wanted(request, "model")))

    return [Route("/api/checkpoints", checkpoints, methods=["GET"])]


def read_checkpoints(context: ViewerContext, prefix: str) -> dict[str, Any]:
    """The checkpoints that can be used, the newest first. Raises DrError if the store is away or the index broken."""
    bucket, keys = context.bucket(), ModelKeys(prefix)
    try:
        index, problem = read_index(bucket, keys), ""
    except DrError as error:
        index, problem = None, f"{error.message} {error.hint}"
    roles: dict[str, list[str]] = {}
    metrics: dict[str, float | None] = {}
    lap_ms: dict[str, float | None] = {}
    for role in ("best", "last", "fastest"):
        entry = index.entry(role) if index else None
        if entry is not None:
            roles.setdefault(str(entry.name), []).append(role)
            (lap_ms if role == "fastest" else metrics)[str(entry.name)] = entry.metric
    found = checkpoints_among(prefix, bucket.list(keys.model_folder))
    rows = [
        {
            "name": str(name),
            "number": name.number,
            "roles": roles.get(str(name), []),
            "metric": metrics.get(str(name)),
            "lap_s": None if (lap := lap_ms.get(str(name))) is None else lap / 1000,
            "size_bytes": sum(part.size_bytes for part in files.parts.values()),
            "written": max(part.last_modified for part in files.parts.values()).timestamp(),
            "commands": commands(context, prefix, name.number),
        }
        for name, files in found.items()
    ]
    return {"problem": problem, "checkpoints": sorted(rows, key=lambda row: -int(row["number"]))}


def commands(context: ViewerContext, prefix: str, number: int) -> dict[str, str]:
    """What to type to evaluate a checkpoint, upload it, or pack it for a car."""
    name = f"{shlex.quote(context.workspace.experiment)} " if context.workspace.experiment else ""
    dr = f"dr -e {name}" if name else "dr "
    archive = shlex.quote(f"{prefix.rpartition('/')[2]}.tar.gz")
    model = shlex.quote(prefix)
    return {
        "Evaluate": f"{dr}evaluate --checkpoint {number} --set DR_LOCAL_S3_MODEL_PREFIX={model}",
        "Upload": f"{dr}upload-model -p {model} -c {number}",
        "Car archive": f"{dr}upload-car-zip -p {model} -c {number} --output {archive}",
    }
