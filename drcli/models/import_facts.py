"""What a model from elsewhere is: what it sees, what it can do, what it learned with; and what it lacks here. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from drcli.config import jsonc
from drcli.config.engine import check_supported
from drcli.config.model_metadata import ModelMetadata
from drcli.errors import DrError, UsageError

_METADATA = "model/model_metadata.json"
_HYPERPARAMETERS = "ip/hyperparameters.json"
_REWARD = "reward_function.py"


@dataclass(frozen=True)
class ModelFacts:
    """`actions`: how many, None if continuous; `stack_size`: None if no document says it."""

    sensors: tuple[str, ...]
    actions: int | None
    neural_network: str
    training_algorithm: str
    stack_size: int | None

    def __str__(self) -> str:
        actions = "continuous actions" if self.actions is None else f"{self.actions} discrete actions"
        parts = [" + ".join(self.sensors), actions, self.neural_network, self.training_algorithm]
        return ", ".join(parts + ([f"stack_size {self.stack_size}"] if self.stack_size else []))

    def to_dict(self) -> dict[str, object]:
        """For JSON."""
        kind = "continuous" if self.actions is None else "discrete"
        return asdict(self) | {"action_space_type": kind}


def read_facts(documents: Mapping[str, bytes]) -> tuple[ModelFacts, list[str]]:
    """The facts in these documents, by their names in our layout, and warnings about them.

    Raises:
        DrError: model_metadata.json is missing or invalid.
    """
    if _METADATA not in documents:
        raise DrError(
            "There is no model_metadata.json: what the model sees and does is unknown.",
            "Put the one it was trained with next to its files, and import their folder.",
        )
    try:
        metadata = ModelMetadata.parse(documents[_METADATA], "model_metadata.json")
    except UsageError as error:  # in somebody's file, not in this command
        raise DrError(error.message, error.hint) from error
    warnings = [*metadata.warnings]
    try:
        check_supported(metadata)
    except UsageError as error:
        warnings.append(f"{error.message} The community's engine does: DR_SIMAPP_SOURCE, DR_DOCKER_STYLE.")
    facts = ModelFacts(
        sensors=metadata.sensors,
        actions=len(metadata.discrete) if metadata.discrete else None,
        neural_network=metadata.neural_network,
        training_algorithm=metadata.training_algorithm,
        stack_size=_stack_size(documents, warnings),
    )
    return facts, warnings + _lacks(documents)


def _stack_size(documents: Mapping[str, bytes], warnings: list[str]) -> int | None:
    """From the hyperparameters, where numbers are sometimes texts."""
    if _HYPERPARAMETERS not in documents:
        return None
    try:
        values = jsonc.parse(documents[_HYPERPARAMETERS], "hyperparameters.json").value
    except UsageError as error:
        warnings.append(f"It is imported as it is, but is not valid: {error.message}")
        return None
    size = values.get("stack_size") if isinstance(values, dict) else None
    return next((count for count in range(1, 65) if str(size) == str(count)), None)


def _lacks(documents: Mapping[str, bytes]) -> list[str]:
    """What only an upload needs; a car archive has neither."""
    needed = {_REWARD: "reward function", _HYPERPARAMETERS: "hyperparameters"}
    missing = [what for name, what in needed.items() if name not in documents]
    if not missing:
        return []
    return [
        f"The model has no {' and no '.join(missing)}: it can be driven, trained on from (DR_LOCAL_S3_PRETRAINED) and "
        "packed for a car, but `dr upload-model` needs them. Those in custom_files/ are not taken for its own."
    ]
