"""`/api/models`: the models of the bucket, and the workspace's name, for the list at the top of the page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from drcli.store.model_list import list_models
from drcli.watch.viewer.viewer_context import ViewerContext, answer


def routes(context: ViewerContext) -> Sequence[BaseRoute]:
    """The routes."""

    async def models(request: Request) -> Response:
        return await answer(read_models, context)

    return [Route("/api/models", models, methods=["GET"])]


def read_models(context: ViewerContext) -> dict[str, Any]:
    """All models, the one that changed last first. Raises DrError if the store is away."""
    found = list_models(context.bucket(), context.settings.local_s3_training_params_file)
    models = sorted(found, key=lambda model: model.last_change, reverse=True)
    return {
        "workspace": context.workspace.root.name,
        "experiment": context.workspace.experiment,
        "bucket": context.settings.local_s3_bucket,
        "models": [model.to_dict() for model in models],
    }
