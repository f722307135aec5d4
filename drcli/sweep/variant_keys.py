"""What a sweep can vary: settings, hyperparameters, the action space and other metadata, custom files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from drcli.config.hyperparameters import Hyperparameters
from drcli.config.problems import Problem, did_you_mean
from drcli.config.settings import variables

SEED, TRACK, ACTIONS = "seed", "track", "action_space"
SEEDS = (SEED, "DR_SEED")
_SHORT = {SEED: "DR_SEED", TRACK: "DR_WORLD_NAME"}
_FILES = {  # key of a file → its name in custom_files/
    "reward_function": "reward_function.py",
    "hyperparameters": "hyperparameters.json",
    "model_metadata": "model_metadata.json",
}
_PARTS = {"hyperparameters": "hyperparameters.json", "model_metadata": "model_metadata.json"}
_METADATA = ("action_space", "action_space_type", "sensor", "neural_network", "training_algorithm", "version")
_OWN = {  # settings that are different in every variant, or the same for all, whatever a file says
    "DR_RUN_ID": "a sweep numbers its runs itself",
    "DR_LOCAL_S3_MODEL_PREFIX": "each variant gets its own prefix, from `name`",
    "DR_LOCAL_S3_METRICS_PREFIX": "each variant gets its own prefix, from `name`",
    "DR_LOCAL_S3_CUSTOM_FILES_PREFIX": "each variant gets its own copy of the custom files",
    "DR_LOCAL_S3_MODEL_METADATA_KEY": "each variant gets its own copy: use model_metadata",
    "DR_LOCAL_S3_HYPERPARAMETERS_KEY": "each variant gets its own copy: use hyperparameters",
    "DR_LOCAL_S3_REWARD_KEY": "each variant gets its own copy: use reward_function",
    "DR_DOCKER_STYLE": "it is the same for a whole sweep: use --set or run.env",
    "DR_LOCAL_S3_BUCKET": "it is the same for a whole sweep: use --set or system.env",
    "DR_CLOUD": "it is the same for a whole sweep: use --set or system.env",
}


def setting_of(key: str) -> str | None:
    """The setting that a key means: `track` is DR_WORLD_NAME; None if it means none."""
    name = _SHORT.get(key, key)
    return name if name.startswith("DR_") else None


def file_of(key: str) -> str | None:
    """The custom file that a key replaces by another file; None if it does not."""
    return _FILES.get(key)


def part_of(key: str) -> tuple[str, str] | None:
    """The JSON file and the key in it that a key means, such as `hyperparameters.lr`; None if it means none."""
    if key == ACTIONS:
        key = f"model_metadata.{ACTIONS}"
    name, dot, rest = key.partition(".")
    return (_PARTS[name], rest) if dot and name in _PARTS else None


def problem_of_key(key: str, where: str, *, varies: bool) -> Problem | None:
    """What is wrong with a key; None if nothing is. varies: between the variants, else it is set for all of them."""
    name = setting_of(key)
    if name is not None:
        return _problem_of_setting(key, name, where, varies=varies)
    part = part_of(key)
    if part is not None:
        known = Hyperparameters.model_fields if part[0] == "hyperparameters.json" else _METADATA
        if part[1] in known:
            return None
        hint = did_you_mean(part[1], known) or f"{part[0]} has {', '.join(known)}"
        return Problem(where, f"{key} is not known", hint)
    if key in _FILES:
        return None
    words = (*_SHORT, ACTIONS, *_FILES)
    hint = did_you_mean(key, (*words, *variables()))
    fields = did_you_mean(key, Hyperparameters.model_fields)
    if not hint and fields:
        hint = fields.replace("did you mean ", "did you mean hyperparameters.")
    return Problem(
        where,
        f"{key} cannot be varied",
        hint or f"use a setting (DR_…), hyperparameters.NAME, model_metadata.NAME or {', '.join(words)}",
    )


def problem_of_value(key: str, value: Any, where: str, folder: Path) -> Problem | None:
    """What is wrong with a value, as far as that can be said without its variant. folder: paths start there."""
    if file_of(key) is not None:
        if not isinstance(value, str):
            return Problem(where, f"{key} is {value!r}: it should be the path of a file")
        if not (folder / value).is_file():
            return Problem(where, f"{key}: there is no file {value}", f"paths start at {folder}")
    elif setting_of(key) is not None and not isinstance(value, str | int | float | None):
        return Problem(where, f"{key} is a {type(value).__name__}: it should be one value")
    return None


def text_of(value: Any) -> str:
    """A value of a setting as it stands in an env file."""
    return "" if value is None else str(value)


def _problem_of_setting(key: str, name: str, where: str, *, varies: bool) -> Problem | None:
    if name not in variables():
        return Problem(where, f"{key} is not a setting", did_you_mean(name, variables()))
    if name in _OWN:
        return Problem(where, f"{key} cannot be set in this file", _OWN[name])
    if name.startswith("DR_EVAL_") and varies:
        return Problem(
            where,
            f"{key} cannot be varied: all models are evaluated under the same rules",
            "put it under evaluate: settings:",
        )
    return None
