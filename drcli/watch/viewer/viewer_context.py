"""What all routes of the viewer share: the workspace, its bucket, and JSON answers computed in a thread."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from drcli.config.settings import Settings
from drcli.errors import DrError, UsageError
from drcli.launch.store_access import is_embedded, store_config
from drcli.paths import Workspace
from drcli.store.client import Bucket
from drcli.store.server import server_status

_NO_STORE = "The store is not running."
_BACK = "It starts with the next `dr start-training`, or with `dr store start`."


@dataclass
class ViewerContext:
    """The workspace that a viewer shows, with its settings as they were when the viewer was started."""

    settings: Settings
    workspace: Workspace
    _bucket: Bucket | None = field(default=None, repr=False)

    def bucket(self) -> Bucket:
        """The bucket, if its store is running: looking must not start anything. Blocks; not for the event loop.

        Raises DrError if the store is not running.
        """
        config = store_config(self.settings, self.workspace)
        if is_embedded(self.settings):
            server = server_status(self.workspace)
            if not server.running:
                raise DrError(_NO_STORE, _BACK)
            config = replace(config, endpoint_url=server.endpoint_url)
        if self._bucket is None or self._bucket.config != config:
            self._bucket = Bucket(config)
        return self._bucket


async def answer(read: Callable[..., Any], *arguments: Any) -> Response:
    """What `read(*arguments)` returns, as JSON, computed in a thread. A DrError becomes `{"error", "hint"}` (409)."""
    try:
        return json_response(await run_in_threadpool(read, *arguments))
    except UsageError as error:
        return json_response({"error": error.message, "hint": error.hint}, 400)
    except DrError as error:
        return json_response({"error": error.message, "hint": error.hint}, 409)


def json_response(document: Any, status: int = 200) -> Response:
    """A JSON answer that no cache keeps."""
    return Response(to_json(document), status, {"Cache-Control": "no-store"}, "application/json")


def to_json(document: Any) -> bytes:
    """Compact JSON; numbers that JSON cannot express become null."""
    return json.dumps(_finite(document), separators=(",", ":"), ensure_ascii=False, default=str).encode()


def wanted(request: Request, name: str) -> str:
    """A parameter of the address that must be there. Raises UsageError."""
    value = request.query_params.get(name, "")
    if not value:
        raise UsageError(f"The parameter {name} is missing.")
    return value


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value
