"""The models of a user in a deployment: list, find by name or id, delete."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from drcli.droa.api import Api
from drcli.errors import DrError

_DELETABLE = ("READY", "ERROR")  # the API refuses the others


@dataclass(frozen=True)
class RemoteModel:
    """A model as the API describes it; `document` is all that it says."""

    document: Mapping[str, Any]

    @property
    def model_id(self) -> str:
        """The id: 15 letters and digits."""
        return str(self.document.get("modelId", ""))

    @property
    def name(self) -> str:
        """The name, which other models may have, too."""
        return str(self.document.get("name", ""))

    @property
    def status(self) -> str:
        """READY, IMPORTING, TRAINING, EVALUATING, ERROR, …."""
        return str(self.document.get("status", ""))

    @property
    def training_status(self) -> str:
        """COMPLETED, IN_PROGRESS, FAILED, …."""
        return str(self.document.get("trainingStatus", ""))

    @property
    def import_error(self) -> str:
        """Why the import failed; empty if it did not."""
        return str(self.document.get("importErrorMessage") or "")

    @property
    def created(self) -> str:
        """When, as `2026-11-26 18:59`, in UTC."""
        return str(self.document.get("createdAt", ""))[:16].replace("T", " ")

    @property
    def track(self) -> str:
        """The track it was trained on."""
        return str(self._training.get("trackConfig", {}).get("trackId", ""))

    @property
    def race(self) -> str:
        """TIME_TRIAL, …."""
        return str(self._training.get("raceType", ""))

    @property
    def _training(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.document.get("trainingConfig") or {}
        return found

    def __str__(self) -> str:
        return f"{self.name} ({self.model_id})"


def list_models(api: Api) -> list[RemoteModel]:
    """All models of the user, the newest first."""
    found = [RemoteModel(document) for document in _pages(api, "/models", "models")]
    return sorted(found, key=lambda model: model.created, reverse=True)


def get_model(api: Api, model_id: str) -> RemoteModel:
    """One model, by id."""
    answer = api.get(f"/models/{model_id}")
    return RemoteModel(answer.get("model") or answer)


def find_model(api: Api, text: str) -> RemoteModel:
    """The model with this id or name. Raises DrError if there is none, or more than one."""
    models = list_models(api)
    named = [model for model in models if text == model.model_id] or [
        model for model in models if text == model.name
    ]
    if len(named) == 1:
        return named[0]
    if named:
        ids = ", ".join(f"{model.model_id} ({model.status}, {model.created})" for model in named)
        raise DrError(f"{len(named)} models are called {text}: {ids}.", "Use the id of one of them.")
    near = get_close_matches(
        text, [*(model.name for model in models), *(model.model_id for model in models)], 3
    )
    raise DrError(
        f"There is no model {text} at {api.session.deployment.name}.",
        f"Did you mean {' or '.join(dict.fromkeys(near))}?" if near else "`dr droa list` lists the models.",
    )


def check_deletable(model: RemoteModel) -> None:
    """Raise DrError if the API would refuse to delete the model."""
    if model.status not in _DELETABLE:
        raise DrError(
            f"{model} is {model.status} and cannot be deleted now.", "Wait until it is READY or ERROR."
        )


def delete_model(api: Api, model: RemoteModel) -> None:
    """Delete a model; the deployment removes its files by and by."""
    api.delete(f"/models/{model.model_id}")


def evaluation_ids(api: Api, model: RemoteModel) -> list[str]:
    """The evaluations of a model, the newest first."""
    found = _pages(api, f"/models/{model.model_id}/evaluations", "evaluations")
    newest = sorted(found, key=lambda evaluation: str(evaluation.get("createdAt", "")), reverse=True)
    return [str(evaluation.get("evaluationId", "")) for evaluation in newest]


def _pages(api: Api, path: str, items: str) -> Sequence[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    answer = api.get(path)
    while True:
        found += answer.get(items) or []
        token = answer.get("token")
        if not token:
            return found
        answer = api.get(path, token=token)
