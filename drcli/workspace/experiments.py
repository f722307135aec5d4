"""A new experiment: a copy of the workspace's run.env, custom files and worker files, with its own prefixes."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from drcli.config.load import find_workspace, load_settings
from drcli.config.settings import Settings
from drcli.contract.keys import join
from drcli.errors import DrError, UsageError
from drcli.paths import Workspace
from drcli.workspace.custom_files import own_files
from drcli.workspace.env_edit import ChangedLine, edited
from drcli.workspace.next_model import METRICS, MODEL, UPLOAD, text_of
from drcli.workspace.next_name import next_name

CUSTOM = "DR_LOCAL_S3_CUSTOM_FILES_PREFIX"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_WORKER_FILE = re.compile(r"worker-[0-9]+\.env")

# Settings that have to differ in the experiment: those that do not change by themselves get these values.
_FOLLOWERS = {
    METRICS: f"${MODEL}/metrics",
    "DR_LOCAL_S3_MODEL_METADATA_KEY": f"${CUSTOM}/model_metadata.json",
    "DR_LOCAL_S3_HYPERPARAMETERS_KEY": f"${CUSTOM}/hyperparameters.json",
    "DR_LOCAL_S3_REWARD_KEY": f"${CUSTOM}/reward_function.py",
    UPLOAD: f"${MODEL}-1",
}


@dataclass(frozen=True)
class NewExperiment:
    """A planned experiment: the files to copy, and the changed lines of its run.env."""

    source: Workspace
    target: Workspace
    files: tuple[str, ...]
    run_env: bytes
    lines: tuple[ChangedLine, ...]
    settings: Settings

    def make(self) -> None:
        """Create it, completely or not at all. Raises DrError if it exists by now or cannot be written."""
        part = self.target.folder.with_name(f".{self.target.experiment}.part")
        try:
            shutil.rmtree(part, ignore_errors=True)
            (part / "custom_files").mkdir(parents=True)
            for name in self.files:
                (part / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(self.source.folder / name, part / name)
            shutil.copy2(self.source.run_env, part / "run.env")
            (part / "run.env").write_bytes(self.run_env)
            _check_free(self.target)
            part.rename(self.target.folder)
        except OSError as error:
            raise DrError(f"Cannot create {self.target.folder}: {error.strerror}.") from None
        finally:
            shutil.rmtree(part, ignore_errors=True)


def plan_experiment(name: str, origin: str = "") -> NewExperiment:
    """Plan the experiment `name` as a copy of `origin`, an experiment or "" for the workspace. Creates nothing.

    Raises:
        UsageError: `name` cannot be a folder and a prefix of the bucket, or a file to copy has errors.
        DrError: the experiment already exists, or `origin` does not.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} is not a valid name for an experiment.",
            "Use letters, digits and _ . - as in `wet-track`.",
        )
    found = find_workspace(experiment=origin or None)
    source, target = Workspace(found.root, origin), Workspace(found.root, name)
    _check_free(target)
    settings = load_settings(source)
    values = {MODEL: _model_of(source, settings, name), CUSTOM: f"custom_files/{name}"}
    before = source.run_env.read_bytes()
    after, lines = edited(before, values, "run.env")
    planned = load_settings(target, run_env=after)
    stuck = {key: text for key, text in _FOLLOWERS.items() if planned.text(key) == settings.text(key)}
    for _ in range(2):
        after, lines = edited(before, values | stuck, "run.env")
        planned = load_settings(target, run_env=after)
        # This line comes before the one that it refers to: write the value out.
        stuck |= {key: text for key in stuck if planned.text(key) != (text := _followed(key, planned))}
    return NewExperiment(source, target, _files(source), after, lines, planned)


def _followed(key: str, settings: Settings) -> str:
    """The expanded value of a follower in the experiment's settings."""
    text = _FOLLOWERS[key]
    return text.replace(f"${MODEL}", settings.text(MODEL)).replace(f"${CUSTOM}", settings.text(CUSTOM))


def _check_free(target: Workspace) -> None:
    if target.folder.exists() or target.folder.is_symlink():
        raise DrError(
            f"Experiment {target.experiment} already exists: {target.folder}.",
            f"`dr -e {target.experiment} config` shows it; otherwise choose another name.",
        )


def _model_of(source: Workspace, settings: Settings, name: str) -> str:
    """The source's model prefix plus the experiment's name (`model-wet`), counted up until it is unused."""
    text = text_of(source, settings, MODEL).rstrip("/")
    if source.experiment:
        text = text.removesuffix(f"-{source.experiment}")
    text = f"{text}-{name}"
    taken = {join(other) for other in _models(source.root)}
    while _expanded(source, text) in taken:
        text = next_name(text)
    return text


def _expanded(source: Workspace, text: str) -> str:
    after, _ = edited(source.run_env.read_bytes(), {MODEL: text}, "run.env")
    return join(load_settings(source, run_env=after).local_s3_model_prefix)


def _models(root: Path) -> set[str]:
    """Model prefixes of the workspace and its experiments, except those whose files have errors."""
    found = set()
    for name in ("", *(path.parent.name for path in (root / "experiments").glob("*/run.env"))):
        try:
            found.add(load_settings(Workspace(root, name)).local_s3_model_prefix)
        except DrError:
            continue
    return found


def _files(source: Workspace) -> tuple[str, ...]:
    custom = [f"custom_files/{name}" for name in own_files(source.custom_files)]
    workers = [path.name for path in source.folder.glob("worker-*.env") if _WORKER_FILE.fullmatch(path.name)]
    return (*custom, *sorted(workers))
