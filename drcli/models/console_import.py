"""Would DeepRacer on AWS accept this model? Its import checks, run before anything is uploaded. Pure.

Source: github.com/aws-solutions/deepracer-on-aws v1.2.5 (website, importModel, reward and model validation). Not
included: the flake8 checks, running the reward function, the forward pass through TensorFlow.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from drcli.models.console_reward import reward_faults
from drcli.models.console_tracks import TRACKS

REWARD, METADATA, PARAMS = "reward_function.py", "model_metadata.json", "training_params.yaml"
HYPERPARAMETERS = "ip/hyperparameters.json"
INDEX, COACH = "model/deepracer_checkpoints.json", "model/.coach_checkpoint"

_MOST_BYTES = 1 << 30
_MOST_OBSTACLES = 6
_TENSORFLOW = ("index", "meta", "data-00000-of-00001")
_DIRECTION = re.compile(r"_c?cw$")


@dataclass(frozen=True)
class ImportFault:
    """`refused`: the import fails; `note`: it succeeds, but perhaps not as expected."""

    severity: Literal["refused", "note"]
    file: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.file}: {self.message}" + (f" ({self.hint})" if self.hint else "")


def check_import(sizes: Mapping[str, int], documents: Mapping[str, bytes]) -> list[ImportFault]:
    """Everything in a model folder that the import would refuse or change.

    Args:
        sizes: size in bytes of every file in the folder, by its name under the prefix.
        documents: content of the small ones among them; of all others name and size are checked.
    """
    found = [*_files(sizes)]
    params = _params(documents, found)
    metadata = _object(documents, METADATA, found)
    hyperparameters = _object(documents, HYPERPARAMETERS, found)
    if params is not None:
        found += _track(params)
        found += _race(params)
    if metadata is not None:
        found += _agent(metadata, hyperparameters or {})
    if REWARD in documents:
        found += [_refused(REWARD, fault) for fault in reward_faults(documents[REWARD])]
    found += _checkpoint(sizes, documents)
    return found


def refused(findings: list[ImportFault]) -> list[ImportFault]:
    """The faults that make the import fail."""
    return [finding for finding in findings if finding.severity == "refused"]


def _refused(file: str, message: str, hint: str = "") -> ImportFault:
    return ImportFault("refused", file, message, hint)


def _note(file: str, message: str, hint: str = "") -> ImportFault:
    return ImportFault("note", file, message, hint)


def _files(sizes: Mapping[str, int]) -> Iterator[ImportFault]:
    for name in (METADATA, REWARD, PARAMS, HYPERPARAMETERS, f"model/{METADATA}"):
        if name not in sizes:
            yield _refused(name, "is missing")
    total = sum(sizes.values())
    if total >= _MOST_BYTES:
        yield _refused("the folder", f"is {total / 1e6:,.0f} MB; the limit is {_MOST_BYTES / 1e6:,.0f} MB")
    if not any(re.fullmatch(r"metrics/training/.*training-.*\.json", name) for name in sizes):
        yield _note(
            "metrics/",
            "metrics/training/training-….json is missing",
            "the console will not show a training graph",
        )


def _params(documents: Mapping[str, bytes], found: list[ImportFault]) -> dict[str, Any] | None:
    import yaml

    if PARAMS not in documents:
        return None
    try:
        values = yaml.safe_load(documents[PARAMS])
    except yaml.YAMLError as error:
        found.append(_refused(PARAMS, f"is not valid YAML: {str(error).splitlines()[0]}"))
        return None
    if not isinstance(values, dict):
        found.append(_refused(PARAMS, "contains no values"))
        return None
    return values


def _object(documents: Mapping[str, bytes], name: str, found: list[ImportFault]) -> dict[str, Any] | None:
    if name not in documents:
        return None
    try:
        value = json.loads(documents[name].decode("utf-8-sig"))
    except ValueError as error:
        found.append(
            _refused(
                name,
                f"is not valid JSON: {error}",
                "comments and a comma before a closing bracket are not allowed",
            )
        )
        return None
    if not isinstance(value, dict):
        found.append(_refused(name, "is not a JSON object"))
        return None
    return value


def _track(params: Mapping[str, Any]) -> Iterator[ImportFault]:
    world = str(params.get("WORLD_NAME", ""))
    bare = _DIRECTION.sub("", world)
    if world in TRACKS:
        if isinstance(params.get("TRACK_DIRECTION_CLOCKWISE"), str):
            yield _note(PARAMS, "TRACK_DIRECTION_CLOCKWISE is a string and is read as counter-clockwise")
        return
    if bare in TRACKS:
        yield _refused(PARAMS, f"WORLD_NAME {world} contains a direction", f"it has to be {bare}")
    elif "," in world:
        yield _refused(
            PARAMS, f"WORLD_NAME {world} names several tracks", "name one with --set DR_WORLD_NAME=…"
        )
    elif world:
        yield _refused(PARAMS, f"WORLD_NAME {world} is not a track of DeepRacer on AWS")
    else:
        yield _refused(PARAMS, "WORLD_NAME is missing")


def _race(params: Mapping[str, Any]) -> Iterator[ImportFault]:
    race = params.get("RACE_TYPE", "TIME_TRIAL")
    if race not in ("TIME_TRIAL", "OBJECT_AVOIDANCE"):
        yield _note(PARAMS, f"RACE_TYPE {race} becomes TIME_TRIAL on import")
    if race != "OBJECT_AVOIDANCE":
        return
    count = _integer(params.get("NUMBER_OF_OBSTACLES"))
    if count is None or not 1 <= count <= _MOST_OBSTACLES:
        yield _refused(PARAMS, f"NUMBER_OF_OBSTACLES has to be 1 to {_MOST_OBSTACLES}")
    places = params.get("OBJECT_POSITIONS") or []
    if places and len(places) != count:
        yield _refused(PARAMS, f"{len(places)} OBJECT_POSITIONS for {count} obstacles")
    if places:
        yield _note(PARAMS, "OBJECT_POSITIONS must not be close to each other or to the start line")


def _integer(value: object) -> int | None:
    return int(str(value)) if str(value).isdigit() else None


def _agent(metadata: Mapping[str, Any], hyperparameters: Mapping[str, Any]) -> Iterator[ImportFault]:
    space = metadata.get("action_space")
    is_sac = str(metadata.get("training_algorithm", "")).lower() == "sac"
    if isinstance(space, list):
        if is_sac:
            yield _refused(METADATA, "SAC does not support discrete actions")
    elif isinstance(space, dict):
        for part in ("steering_angle", "speed"):
            bounds = space.get(part)
            if not isinstance(bounds, dict) or not _is_below(bounds.get("low"), bounds.get("high")):
                yield _refused(METADATA, f"{part}: low has to be less than high")
    else:
        yield _refused(METADATA, "action_space is missing")
    if is_sac and str(hyperparameters.get("num_episodes_between_training", 20)) != "1":
        yield _refused(HYPERPARAMETERS, "SAC requires num_episodes_between_training = 1")


def _is_below(low: object, high: object) -> bool:
    return isinstance(low, int | float) and isinstance(high, int | float) and low < high


def _checkpoint(sizes: Mapping[str, int], documents: Mapping[str, bytes]) -> Iterator[ImportFault]:
    """The import restores every checkpoint that the documents name with TensorFlow."""
    if INDEX not in sizes and COACH not in sizes:
        yield _refused("model/", "deepracer_checkpoints.json and .coach_checkpoint are both missing")
        return
    ours = []
    for name in _named_checkpoints(documents):
        missing = [part for part in _TENSORFLOW if f"model/{name}.{part}" not in sizes]
        if missing and f"model/{name}.safetensors" in sizes:
            ours.append(name)
        elif missing:
            yield _refused(f"model/{name}", f"is incomplete; missing: {', '.join(missing)}")
    if ours:
        yield _refused(
            f"model/{ours[0]}",
            "has the weights of drcli's engine, not a TensorFlow checkpoint",
            "drcli does not write TensorFlow checkpoints; `dr upload-car-zip` packs the model for a car",
        )


def _named_checkpoints(documents: Mapping[str, bytes]) -> list[str]:
    names = [documents[COACH].decode(errors="replace").strip()] if COACH in documents else []
    try:
        index = json.loads(documents.get(INDEX, b"{}"))
        names += [index[key]["name"] for key in ("last_checkpoint", "best_checkpoint") if key in index]
    except (ValueError, KeyError, TypeError):
        pass  # the import then uses .coach_checkpoint
    return list(dict.fromkeys(str(name) for name in names))
