"""The data of the panels Track, Episodes, Evaluations and Compare. All are read in threads: traces are long.

Each takes `model`, a prefix of the bucket. `evaluation`, the digits of its start, stands for its trials instead of the
training's episodes:

- `/api/recordings/track`: map, lines, ends, rewards by waypoint, actions by turn, `sectors` (3 to 30), laps, iterations
- `/api/recordings/episodes`, `/episode` (with `name`): the list, and all steps of one
- `/api/recordings/params`, `/picture` (with `name` and `step`, from 0): what reward function and network got
- `/api/recordings/evaluations`: all of a model, with their trials
- `/api/recordings/compare`: several, each with `model`
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from drcli.errors import DrError, UsageError
from drcli.watch.analysis.lap_times import SECTORS
from drcli.watch.viewer.recorded_models import RecordedModels, as_json
from drcli.watch.viewer.viewer_context import ViewerContext, answer, json_response, wanted

_ADDRESS = "/api/recordings"


def routes(context: ViewerContext) -> Sequence[BaseRoute]:
    """The routes for a workspace."""
    models = RecordedModels(context)
    documents: dict[str, Callable[[Request], Any]] = {
        "track": lambda request: models.track(*_place(request), _number(request, "sectors", SECTORS)),
        "episodes": lambda request: models.episodes(*_place(request)),
        "episode": lambda request: models.episode(*_place(request), wanted(request, "name")),
        "params": lambda request: models.params(*_step(request)),
        "evaluations": lambda request: models.evaluations(wanted(request, "model")),
        "compare": lambda request: models.compared(request.query_params.getlist("model")),
    }

    async def picture(request: Request) -> Response:
        try:
            png = await run_in_threadpool(lambda: models.picture(*_step(request)))
        except DrError as error:
            return json_response({"error": error.message, "hint": error.hint}, 404)
        return Response(png, media_type="image/png", headers={"Cache-Control": "no-store"})

    return [
        *(Route(f"{_ADDRESS}/{name}", _as_answer(read), methods=["GET"]) for name, read in documents.items()),
        Route(f"{_ADDRESS}/picture", picture, methods=["GET"]),
    ]


def _as_answer(read: Callable[[Request], Any]) -> Callable[[Request], Awaitable[Response]]:
    async def handle(request: Request) -> Response:
        return await answer(lambda: as_json(read(request)))

    return handle


def _place(request: Request) -> tuple[str, str]:
    """The model, and the evaluation or nothing."""
    return wanted(request, "model"), request.query_params.get("evaluation", "")


def _step(request: Request) -> tuple[str, str, str, int]:
    return (*_place(request), wanted(request, "name"), _number(request, "step", 0))


def _number(request: Request, name: str, usual: int) -> int:
    text = request.query_params.get(name, str(usual))
    if not text.isdecimal():
        raise UsageError(f"{name}={text} is not a number.")
    return int(text)
