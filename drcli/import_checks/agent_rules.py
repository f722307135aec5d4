"""What model_metadata.json and hyperparameters.json say about the agent. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from drcli.import_checks.findings import (
    HYPERPARAMETERS,
    METADATA,
    VALIDATED_METADATA,
    ImportFault,
    fault,
    note,
)

_BOUNDED = ("speed", "steering_angle")
_KNOWN_SENSORS = (
    *("FRONT_FACING_CAMERA", "LEFT_CAMERA", "STEREO_CAMERAS", "OBSERVATION_CAMERA"),
    *("LIDAR", "SECTOR_LIDAR", "DISCRETIZED_SECTOR_LIDAR"),
)
_CAMERAS = ("observation", "FRONT_FACING_CAMERA", "STEREO_CAMERAS")
_NETWORKS = tuple(f"DEEP_CONVOLUTIONAL_NETWORK{size}" for size in ("_SHALLOW", "", "_DEEP"))
_FIRST_VERSION_WITH_SENSORS = 2.0


def check_agent(metadata: Mapping[str, Any], hyperparameters: Mapping[str, Any]) -> Iterator[ImportFault]:
    """What the API checks.

    Source: lambda/src/api/handlers/importModel.ts; importActionSpace and importSensors in import-workflow/utils/
    ImportHelper.ts; validateContinuousActionSpace in api/utils/validation.ts.
    """
    space = metadata.get("action_space")
    if metadata.get("training_algorithm") == "sac":
        if metadata.get("action_space_type") == "discrete":
            yield fault(
                METADATA, "SAC does not support discrete actions", "use clipped_ppo, or continuous actions"
            )
        count = hyperparameters.get("num_episodes_between_training")
        if isinstance(count, bool) or count != 1:
            hint = "write 1 without quotes"
            yield fault(HYPERPARAMETERS, "SAC requires num_episodes_between_training = 1", hint)
    if isinstance(space, list):
        if not all(isinstance(action, dict) for action in space):
            hint = 'an action is {"steering_angle": …, "speed": …}'
            yield fault(METADATA, "action_space is not a list of actions", hint)
    elif isinstance(space, dict):
        for part in _BOUNDED:
            yield from _bounds(metadata, part, space.get(part))
    else:
        yield fault(METADATA, "action_space is missing", "name the actions, or the ranges of continuous ones")
    for sensor in _sensors(metadata):
        if sensor not in _KNOWN_SENSORS:
            yield note(METADATA, f"the sensor {sensor} is not shown on the page of the model")


def _bounds(metadata: Mapping[str, Any], part: str, bounds: object) -> Iterator[ImportFault]:
    low, high = (bounds.get("low"), bounds.get("high")) if isinstance(bounds, dict) else (None, None)
    is_number = isinstance(low, int | float) and isinstance(high, int | float)
    if not is_number:
        yield fault(METADATA, f"{part} of action_space has no low and high", "both have to be numbers")
    elif metadata.get("action_space_type") == "continuous" and low >= high:  # type: ignore[operator]
        yield fault(METADATA, f"{part}: low has to be less than high", "a range needs a width")


def check_hyperparameters(hyperparameters: Mapping[str, Any]) -> Iterator[ImportFault]:
    """Values are not checked there, but the graph divides by one of them.

    Source: website/src/pages/ModelDetails/components/TrainingTab/TrainingDetails/{TrainingDetails.tsx,utils.ts}.
    """
    size = hyperparameters.get("num_episodes_between_training")
    if isinstance(size, bool) or not isinstance(size, int) or size < 1:
        yield note(
            HYPERPARAMETERS,
            f"num_episodes_between_training is {'missing' if size is None else repr(size)}",
            "the graph of the training needs it as a number",
        )


def check_network(metadata: Mapping[str, Any]) -> Iterator[ImportFault]:
    """What the model validation builds its network from.

    Source: deepracer-simapp markov/boto/s3/files/model_metadata.py parse_model_metadata, markov/validation_worker.py
    get_transition_data.
    """
    kind, space = (
        str(metadata.get("action_space_type", "discrete")).lower().strip(),
        metadata.get("action_space"),
    )
    if kind not in ("discrete", "continuous"):
        yield fault(VALIDATED_METADATA, f"action_space_type {kind} is unknown", "use discrete or continuous")
    elif isinstance(space, list | dict) and isinstance(space, list) != (kind == "discrete"):
        what = "a list of actions" if isinstance(space, list) else "ranges"
        hint = "discrete needs a list of actions, continuous needs ranges"
        yield fault(VALIDATED_METADATA, f"action_space_type is {kind}, but action_space has {what}", hint)
    elif not isinstance(space, list | dict):
        yield fault(VALIDATED_METADATA, "action_space is missing", f"it has to be as in {METADATA}")
    algorithm = str(metadata.get("training_algorithm", "clipped_ppo")).lower().strip()
    if algorithm not in ("clipped_ppo", "sac"):
        yield fault(
            VALIDATED_METADATA, f"training_algorithm {algorithm} is unknown", "use clipped_ppo or sac"
        )
    network = metadata.get("neural_network", _NETWORKS[0])
    if network not in _NETWORKS:
        yield fault(VALIDATED_METADATA, f"neural_network {network} is unknown", f"use {_NETWORKS[0]}")
    yield from _camera(metadata)


def _camera(metadata: Mapping[str, Any]) -> Iterator[ImportFault]:
    try:
        version = float(metadata.get("version", _FIRST_VERSION_WITH_SENSORS))
    except (TypeError, ValueError):
        yield fault(VALIDATED_METADATA, f"version {metadata['version']!r} is not a number", 'write "5"')
        return
    if "version" in metadata and version >= _FIRST_VERSION_WITH_SENSORS and "sensor" not in metadata:
        yield fault(VALIDATED_METADATA, "sensor is missing", 'write ["FRONT_FACING_CAMERA"]')
        return
    is_old = version < _FIRST_VERSION_WITH_SENSORS or "sensor" not in metadata
    if not is_old and not set(_sensors(metadata)) & set(_CAMERAS):
        hint = f"one of {', '.join(_CAMERAS)} has to be among them"
        yield fault(VALIDATED_METADATA, f"the sensors {metadata['sensor']} have no camera", hint)


def _sensors(metadata: Mapping[str, Any]) -> list[str]:
    sensors = metadata.get("sensor")
    return [str(sensor) for sensor in sensors] if isinstance(sensors, list) else []
