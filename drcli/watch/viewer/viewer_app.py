"""The web application of the viewer: the page, its files, and the routes of all panels behind the guard."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Scope

from drcli.watch.viewer import (
    routes_cameras,
    routes_checkpoints,
    routes_events,
    routes_logs,
    routes_models,
    routes_recordings,
)
from drcli.watch.viewer.guard import Access, Guard
from drcli.watch.viewer.viewer_context import ViewerContext

STATIC = Path(__file__).parent / "static"

# The data of panels: each module's `routes(context)`.
ROUTES: tuple[Callable[[ViewerContext], Sequence[BaseRoute]], ...] = (
    routes_events.routes,
    routes_models.routes,
    routes_checkpoints.routes,
    routes_logs.routes,
    routes_cameras.routes,
    routes_recordings.routes,
)


def build(context: ViewerContext, access: Access) -> ASGIApp:
    """The application for a workspace."""
    routes: list[BaseRoute] = [Route("/", _page, methods=["GET"])]
    for module_routes in ROUTES:
        routes += module_routes(context)
    routes.append(Mount("/static", _Files(directory=STATIC)))
    return Guard(Starlette(routes=routes), access)


async def _page(request: Request) -> Response:
    return FileResponse(STATIC / "index.html", headers={"Cache-Control": "no-cache"})


class _Files(StaticFiles):
    """Files that browsers ask for again after an update of drcli; unchanged ones cost an answer without a body."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file."""
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "no-cache"
        return response
