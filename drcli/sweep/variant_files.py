"""The files of a variant: the workspace's own as they were at the start, with the variant's values in them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from drcli.config import jsonc
from drcli.contract.keys import join
from drcli.local import write_atomically
from drcli.paths import Workspace
from drcli.sweep.sweep_folder import VariantFolder, prefix_of
from drcli.sweep.variant_keys import ACTIONS, file_of, part_of, setting_of, text_of
from drcli.sweep.variants import Variant

Pins = Mapping[str, tuple[str, str]]  # name of a setting → its text, and where it comes from
HERE = "sweep"  # where the settings come from that every variant has for itself
_SKIPPED = ("__pycache__", ".ipynb_checkpoints")


def copy_base(workspace: Workspace, target: Path) -> None:
    """Copy run.env, worker-N.env and custom_files/ of a workspace, so that later edits do not reach the sweep."""
    target.mkdir(parents=True, exist_ok=True)
    for path in (workspace.run_env, *workspace.folder.glob("worker-*.env")):
        shutil.copy2(path, target / path.name)
    ignore = shutil.ignore_patterns(*_SKIPPED)
    shutil.copytree(workspace.custom_files, target / "custom_files", ignore=ignore, dirs_exist_ok=True)


def make(base: Path, path: Path, sweep: str, variant: Variant, shared: Pins, source: Path) -> VariantFolder:
    """Write a variant's folder. shared: settings of all variants; source: paths in choices start there."""
    shutil.rmtree(path, ignore_errors=True)
    shutil.copytree(base, path)
    parts: dict[str, dict[str, Any]] = {}
    settings = dict(shared)
    for key, choice in variant.choices.items():
        name, part, file = setting_of(key), part_of(key), file_of(key)
        if name is not None:
            settings[name] = (text_of(choice.value), choice.where)
        elif file is not None:
            shutil.copyfile(source / choice.value, path / "custom_files" / file)
        elif part is not None:
            parts.setdefault(part[0], {})[part[1]] = choice.value
    for file, values in parts.items():  # after the files themselves
        _change(path / "custom_files" / file, values)
    found = VariantFolder(
        path=path,
        name=variant.name,
        group=variant.group,
        prefix=prefix_of(sweep, variant.name),
        seed=variant.seed,
        choices={key: choice.value for key, choice in variant.choices.items()},
        settings=settings | _own(sweep, variant.name),
    )
    found.write()
    return found


def lines_of(variant: Variant, custom_files: Sequence[str] = ()) -> str:
    """The lines of the sweep's file that make a variant's custom files what they are: `sweep.yaml:7`."""
    places = [
        choice.where
        for key, choice in variant.choices.items()
        if (file_of(key) or (part_of(key) or ("",))[0]) in custom_files or not custom_files
    ]
    return ", ".join(dict.fromkeys(places))


def _change(path: Path, values: Mapping[str, Any]) -> None:
    """Change keys of a JSON file. Its comments, if it has any, are lost: it is a copy."""
    document = jsonc.parse(path.read_bytes(), str(path)).value
    actions = values.get(ACTIONS)
    if isinstance(document, dict):
        document |= values
        if isinstance(actions, list):
            document[ACTIONS] = [_numbered(n, action) for n, action in enumerate(actions)]
        if isinstance(actions, list | dict) and "action_space_type" not in values:
            document["action_space_type"] = "continuous" if isinstance(actions, dict) else "discrete"
    write_atomically(path, json.dumps(document, indent=2).encode())


def _numbered(index: int, action: Any) -> Any:
    """An action with its index, which other tools expect and nobody wants to type."""
    return {"index": index, **action} if isinstance(action, dict) else action


def _own(sweep: str, variant: str) -> dict[str, tuple[str, str]]:
    """The settings that must differ, so that no variant writes over another one's objects."""
    prefix = prefix_of(sweep, variant)
    custom = join("custom_files", sweep, variant)
    texts = {
        "DR_LOCAL_S3_MODEL_PREFIX": prefix,
        "DR_LOCAL_S3_METRICS_PREFIX": f"{prefix}/metrics",
        "DR_LOCAL_S3_CUSTOM_FILES_PREFIX": custom,
        "DR_LOCAL_S3_MODEL_METADATA_KEY": f"{custom}/model_metadata.json",
        "DR_LOCAL_S3_HYPERPARAMETERS_KEY": f"{custom}/hyperparameters.json",
        "DR_LOCAL_S3_REWARD_KEY": f"{custom}/reward_function.py",
    }
    return {key: (text, HERE) for key, text in texts.items()}
