"""Params documents parsed into typed values: what a service needs to know about its run.

Accepts what DeepRacer-for-Cloud, its users and the AWS console write: booleans and numbers, also as text,
and in evaluations a list, one entry per car, for each value that belongs to a car.
"""

from __future__ import annotations

import math
import posixpath
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields, replace
from typing import Any, ClassVar, Self

from drcli.config.race_settings import RaceSettings, from_key
from drcli.config.world_names import world_names
from drcli.errors import DrError

_TRUTH = {"true": True, "false": False}


def _param(key: str, default: Any = MISSING) -> Any:
    """A field read from `key`; required if it has no default."""
    return field(default=default, metadata=from_key(key))


@dataclass(frozen=True, kw_only=True)
class RunParams:
    """What every document contains. Defaults are the community engine's; of several cars, the first one's values."""

    job_type: ClassVar[str]

    race: RaceSettings
    world_name: str = _param("WORLD_NAME")
    metrics_key: str = _param("METRICS_S3_OBJECT_KEY")
    simtrace_prefix: str = _param("SIMTRACE_S3_PREFIX", "")

    @property
    def world_names(self) -> tuple[str, ...]:
        """The tracks that `world_name` names."""
        return world_names(self.world_name)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse a document of this kind.

        Raises:
            DrError: not a YAML mapping, a document of another kind, or a value is missing or has a wrong type.
        """
        return cls._of(_load(text))

    @classmethod
    def _of(cls, values: Mapping[str, object], car: int = 0) -> Self:
        kind = values.get("JOB_TYPE", cls.job_type)
        if kind != cls.job_type:
            raise DrError(f"The params document has JOB_TYPE: {kind!r}, expected {cls.job_type}.")
        found: dict[str, Any] = {
            item.name: _read(item, _of_car(values, item.metadata["key"], car), item.default)
            for item in fields(cls)
            if "key" in item.metadata
        }
        _check_names(found["world_name"])
        return cls(race=cls._race(values), **found)

    @classmethod
    def _race(cls, values: Mapping[str, object]) -> RaceSettings:
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class TrainingParams(RunParams):
    """A training document. An episode ends with its lap."""

    job_type = "TRAINING"

    model_prefix: str = _param("SAGEMAKER_SHARED_S3_PREFIX")
    model_metadata_key: str = _param("MODEL_METADATA_FILE_S3_KEY")
    reward_key: str = _param("REWARD_FILE_S3_KEY")
    min_eval_trials: int = _param("MIN_EVAL_TRIALS", 5)
    best_model_metric: str = _param("BEST_MODEL_METRIC", "progress")

    @classmethod
    def _race(cls, values: Mapping[str, object]) -> RaceSettings:
        return replace(_read_race(values), is_continuous=False)


@dataclass(frozen=True, kw_only=True)
class EvaluationParams(RunParams):
    """An evaluation document. All its trials start at the same place and are driven in the same direction."""

    job_type = "EVALUATION"

    model_prefix: str = _param("MODEL_S3_PREFIX")
    eval_checkpoint: str = _param("EVAL_CHECKPOINT", "last")
    videos_prefix: str = _param("MP4_S3_OBJECT_PREFIX", "")  # none are recorded if it is empty

    @classmethod
    def parse_cars(cls, text: str, cars: int) -> tuple[Self, ...]:
        """Parse a document with the values of that many cars. Raises DrError as `parse`, also if it has fewer."""
        values = _load(text)
        return tuple(cls._of(values, car) for car in range(cars))

    @property
    def model_metadata_key(self) -> str:
        """Key of the metadata the model was trained with."""
        return f"{self.model_prefix}/model/model_metadata.json"

    @classmethod
    def _race(cls, values: Mapping[str, object]) -> RaceSettings:
        return replace(
            _read_race(values, off_track_penalty_s=2.0, collision_penalty_s=5.0, number_of_trials=10),
            change_start_position=False,
            alternate_driving_direction=False,
        )


def _of_car(values: Mapping[str, object], key: str, car: int) -> Mapping[str, object]:
    """The value of a car, if `key` has a list: one entry per car. Raises DrError if it has fewer."""
    value = values.get(key)
    if car == 0 or not isinstance(value, list) or not value:
        return values
    if car >= len(value):
        raise DrError(
            f"The params document has {len(value)} {key}, but the race needs {car + 1} cars or more."
        )
    return {key: value[car]}


def _load(text: str) -> dict[str, object]:
    import yaml

    try:
        values = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise DrError(f"The params document is not valid YAML: {error}") from None
    if not isinstance(values, dict):
        raise DrError("The params document is not a YAML mapping.")
    return _with_direction(values)


def _with_direction(values: dict[str, object]) -> dict[str, object]:
    """TRACK_DIRECTION_CLOCKWISE (the AWS console writes it) selects the `_cw` or `_ccw` variant of a world."""
    clockwise, world = values.get("TRACK_DIRECTION_CLOCKWISE"), values.get("WORLD_NAME")
    if clockwise is None or not isinstance(world, str):
        return values
    way = "_cw" if str(clockwise).lower() == "true" else "_ccw"
    names = (name.strip() for name in world.split(","))
    turned = (name if not name or name.endswith(("_cw", "_ccw")) else name + way for name in names)
    return values | {"WORLD_NAME": ",".join(turned)}


def _check_names(text: str) -> None:
    try:
        world_names(text)
    except ValueError as fault:
        raise DrError(f"The params document has WORLD_NAME: {text!r}, expected {fault}.") from None


def _read_race(values: Mapping[str, object], **defaults: float) -> RaceSettings:
    """The race of a document; `defaults` are those of its kind where they differ from a training's."""
    read: dict[str, Any] = {
        item.name: _read(item, values, defaults.get(item.name, item.default))
        for item in fields(RaceSettings)
        if "key" in item.metadata
    }
    return RaceSettings(own=values, **read)


def _read(item: Field[Any], values: Mapping[str, object], default: object) -> object:
    key = item.metadata["key"]
    value = values.get(key)
    if isinstance(value, list):
        value = value[0] if value else None
    if value is None or value == "":
        if default is MISSING:
            raise DrError(f"The params document has no {key}.", "`dr render` shows a complete one")
        return default
    try:
        return _converted(str(value), str(item.type), item.name)
    except (ValueError, KeyError):
        raise DrError(f"The params document has {key}: {value!r}, expected {item.type}.") from None


def _converted(text: str, kind: str, name: str) -> object:
    if kind == "bool":
        return _TRUTH[text.strip().lower()]
    if kind == "int":
        return int(text)
    if kind == "float":
        if not math.isfinite(number := float(text)):
            raise ValueError
        return number
    return posixpath.normpath(text).strip("/") if name.endswith(("_prefix", "_key")) else text
