"""Checks every variant of a sweep before anything starts: settings, custom files, tracks, evaluations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from drcli.config.envfile import Assignment
from drcli.config.load import load_settings
from drcli.config.settings import Settings
from drcli.errors import DrError, UsageError
from drcli.launch import start_checks
from drcli.launch.simapp import is_ours
from drcli.paths import Workspace
from drcli.sweep.sweep_folder import Sweep, VariantFolder
from drcli.sweep.variant_files import HERE, lines_of
from drcli.sweep.variants import Variant

MINUTES = "DR_TRAIN_MAX_MINUTES"
LIMIT_MINUTES = "60"  # of a variant without DR_TRAIN_MAX_MINUTES: a sweep has to come to its end
_FILES = ("reward_function.py", "model_metadata.json", "hyperparameters.json")
_Fingerprint = tuple[object, ...]


@dataclass
class VariantChecks:
    """Checks variants one by one; what several of them share is checked once.

    originals: where the user's own copy of a custom file is, for messages; keep: keep tracks that are downloaded.
    """

    workspace: Callable[[Path], Workspace]
    overrides: Sequence[str]
    keep: bool
    original: Callable[[Variant, str], Path]
    warnings: dict[str, None] = field(default_factory=dict)
    _known: set[_Fingerprint] = field(default_factory=set)

    def check(self, variant: Variant, folder: VariantFolder) -> tuple[VariantFolder, Settings]:
        """Check one. Returns its folder, with a limit if it had none, and its settings.

        Raises:
            UsageError, DrError: with the lines of the sweep's file that lead to it.
        """
        settings = self._load(folder)
        if settings.train_max_minutes is None and is_ours(settings):
            limited = {**folder.settings, MINUTES: (LIMIT_MINUTES, HERE)}
            folder = VariantFolder(**{**vars(folder), "settings": limited})
            folder.write()
            settings = self._load(folder)
        try:
            self._check(settings, variant, folder)
        except DrError as error:
            raise self._placed(error, variant, folder) from None
        return folder, settings

    def _load(self, folder: VariantFolder) -> Settings:
        return load_settings(self.workspace(folder.path), [*self.overrides, *folder.assignments()])

    def _check(self, settings: Settings, variant: Variant, folder: VariantFolder) -> None:
        workspace = self.workspace(folder.path)
        start_checks.check_settings(settings)
        start_checks.check_trainable(settings)
        contents = tuple(start_checks.read_file(workspace.custom_files / name) for name in _FILES)
        fingerprint = (contents, settings.world_name, settings.race_type, settings.train_method)
        if fingerprint not in self._known:
            files = start_checks.check_training_files(settings, workspace, keep=self.keep)
            self.warnings |= dict.fromkeys(
                self._with_originals(text, variant, folder)[0] for text in files.warnings
            )
            self._known.add(fingerprint)
        start_checks.check_workers(settings, workspace, keep=self.keep)

    def _placed(self, error: DrError, variant: Variant, folder: VariantFolder) -> DrError:
        """The error with the lines that lead to it, and with the user's own files in place of their copies."""
        message, concerned = self._with_originals(error.message, variant, folder)
        lines = lines_of(variant, concerned) or lines_of(variant)
        where = "" if any(line and line in message for line in lines.split(", ")) else f"{lines}: "
        kind = UsageError if isinstance(error, UsageError) else DrError
        return kind(f"{where}variant {variant.name}: {message}", error.hint)

    def _with_originals(self, text: str, variant: Variant, folder: VariantFolder) -> tuple[str, list[str]]:
        """A text with the user's own files in place of their copies, and which files those are."""
        found = []
        for name in _FILES:
            copy = str(folder.path / "custom_files" / name)
            if copy in text:
                found.append(name)
            text = text.replace(copy, str(self.original(variant, name)))
        return text, found


def check_evaluation(workspace: Workspace, sweep: Sweep, *, keep: bool) -> None:
    """Check the rules of the evaluations on each track. Raises UsageError or DrError."""
    rules = [Assignment(key, text, where) for key, (text, where) in sweep.evaluation.items()]
    for track in sweep.tracks:
        world = Assignment("DR_WORLD_NAME", track, "evaluate: tracks", literal=True)
        settings = load_settings(workspace, [*sweep.overrides, *rules, world])
        start_checks.check_single_world(settings)
        start_checks.check_settings(settings)
        if is_ours(settings):
            start_checks.check_worlds(settings, workspace, keep=keep)
