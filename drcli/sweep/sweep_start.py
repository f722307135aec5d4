"""From the file of a sweep to its folder: everything is checked first, and then there at once."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from drcli.config.load import load_settings
from drcli.config.settings import Settings
from drcli.errors import DrError, UsageError
from drcli.launch.bucket import open_bucket
from drcli.launch.launcher import Capacity
from drcli.paths import Workspace
from drcli.store.client import Bucket
from drcli.sweep import variant_files
from drcli.sweep.estimate import Estimate, estimate, room
from drcli.sweep.evaluated_tracks import SEED, tracks_among
from drcli.sweep.sweep_checks import MINUTES, VariantChecks, check_evaluation
from drcli.sweep.sweep_file import SweepFile, pinned
from drcli.sweep.sweep_folder import Sweep, SweepFolder, VariantFolder
from drcli.sweep.variant_files import HERE
from drcli.sweep.variant_keys import file_of
from drcli.sweep.variant_run import keep_evaluated
from drcli.sweep.variants import Variant, probes_of, variants_of

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Choices:
    """What the command line adds to the file. None: what the file says."""

    overrides: tuple[str, ...] = ()
    at_a_time: int | None = None
    keep: str | None = None


@dataclass(frozen=True)
class PlannedSweep:
    """A checked sweep whose folder waits under another name; `start_it` gives it its own, `discard` deletes it."""

    sweep: Sweep
    folder: SweepFolder
    draft: Path
    variants: tuple[VariantFolder, ...]
    settings: tuple[Settings, ...]
    estimate: Estimate
    capacity: Capacity
    warnings: tuple[str, ...]

    def discard(self) -> None:
        """Delete what was prepared."""
        shutil.rmtree(self.draft, ignore_errors=True)

    def existing(self) -> list[str]:
        """Models of these variants that are in the bucket already, from a sweep of the same name."""
        bucket = self._bucket()
        return [v.prefix for v in self.variants if any(bucket.list(f"{v.prefix}/"))]

    def keep_it(self, *, wipe: bool = False) -> SweepFolder:
        """Give the folder its name: from now on the sweep exists. wipe: delete models and results of an earlier one.

        Raises:
            DrError: a sweep or models of that name exist, and `wipe` is not set.
        """
        existing = self.existing()
        if (existing or self.folder.exists) and not wipe:
            self.discard()
            raise DrError(
                f"{self.sweep.name} was started before"
                + (f"; its {_count(len(existing), 'model')} would be replaced." if existing else "."),
                "-w deletes its models and results and starts from scratch; or give this one another `name`.",
            )
        bucket = self._bucket()
        for prefix in existing:
            bucket.delete_prefix(prefix)
        if self.folder.exists:
            self.folder.remove()
        self.draft.rename(self.folder.path)
        return self.folder

    def _bucket(self) -> Bucket:
        workspace = Workspace(self.folder.root, self.sweep.experiment)
        return open_bucket(self.settings[0], workspace, write=True)


def digest_of(text: bytes) -> str:
    """What tells whether a file has changed."""
    return hashlib.sha256(text).hexdigest()


def plan(
    workspace: Workspace, path: Path, file: SweepFile, choices: Choices, progress: Progress
) -> PlannedSweep:
    """Check a sweep, variant by variant. Nothing is started; tracks that are missing are downloaded.

    Raises:
        UsageError, DrError: with file, line and key.
    """
    folder = SweepFolder.of(workspace, file.name)
    draft = folder.path.with_name(f".{file.name}.part")
    shutil.rmtree(draft, ignore_errors=True)
    try:
        return _plan(workspace, path, file, choices, progress)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise


def _plan(
    workspace: Workspace, path: Path, file: SweepFile, choices: Choices, progress: Progress
) -> PlannedSweep:
    folder = SweepFolder.of(workspace, file.name)
    draft = SweepFolder(folder.path.with_name(f".{file.name}.part"), workspace.root)
    variant_files.copy_base(workspace, draft.base)
    shutil.copyfile(path, draft.path / "sweep.yaml")
    shared = {key: (text, file.where("settings", key)) for key, text in pinned(file.settings).items()}
    found, settings, warnings = _variants(workspace, file, draft, choices.overrides, shared, progress)
    most, capacity = room(settings[0])
    at_a_time = choices.at_a_time or file.at_a_time or min(most, file.trials or len(found))
    sweep = Sweep(
        name=file.name,
        file=str(path),
        digest=digest_of(path.read_bytes()),
        rank_by=file.rank_by,
        keep=choices.keep or file.keep,
        at_a_time=at_a_time,
        cores=max(1, capacity.cores // at_a_time),
        checkpoint=file.evaluate.checkpoint,
        tracks=file.evaluate.tracks or tracks_among(each.world_names for each in settings),
        evaluation=shared | _rules(workspace, file, choices.overrides),
        overrides=choices.overrides,
        experiment=workspace.experiment,
        limit_minutes=_own_limit(found),
        trials=file.trials,
        shown=(*file.search, *(file.random.values if file.random else ())),
    )
    check_evaluation(workspace, sweep, keep=True)
    draft.write(sweep)
    if file.trials:
        shutil.rmtree(draft.path / "variants")  # a search makes its own
        settings = settings[:1] * file.trials
    else:
        draft.add_to_order(*(variant.name for variant in found))
    expected = estimate(workspace, settings, at_a_time, len(sweep.tracks), sweep.keep)
    return PlannedSweep(
        sweep, folder, draft.path, tuple(found), tuple(settings), expected, capacity, warnings
    )


def _own_limit(variants: Sequence[VariantFolder]) -> str:
    """The minutes that a training is given because nobody limits it; empty if somebody does."""
    limits = (variant.settings.get(MINUTES, ("", "")) for variant in variants)
    return next((text for text, where in limits if where == HERE), "")


def _variants(
    workspace: Workspace,
    file: SweepFile,
    draft: SweepFolder,
    overrides: Sequence[str],
    shared: variant_files.Pins,
    progress: Progress,
) -> tuple[list[VariantFolder], list[Settings], tuple[str, ...]]:
    """The folders of all variants, their settings, and what to know about them."""

    def original(variant: Variant, name: str) -> Path:
        given = (choice.value for key, choice in variant.choices.items() if file_of(key) == name)
        chosen = next(given, None)
        return workspace.custom_files / name if chosen is None else file.folder / chosen

    checks = VariantChecks(
        workspace=lambda path: Workspace(workspace.root, workspace.experiment, path),
        overrides=overrides,
        keep=True,
        original=original,
    )
    folders, settings = [], []
    variants = variants_of(file) if not file.search else probes_of(file)
    for number, variant in enumerate(variants, start=1):
        progress(f"checking variant {number} of {len(variants)}: {variant.name}")
        path = draft.variant_path(variant.name)
        made = variant_files.make(draft.base, path, file.name, variant, shared, file.folder)
        checked, own = checks.check(variant, made)
        folders.append(checked)
        settings.append(own)
    return folders, settings, tuple(checks.warnings)


def _rules(workspace: Workspace, file: SweepFile, overrides: Sequence[str]) -> dict[str, tuple[str, str]]:
    """The settings of evaluations that the file names, and a seed, so that all models meet the same starts."""
    rules = {
        key: (text, file.where("evaluate", "settings", key))
        for key, text in pinned(file.evaluate.settings).items()
    }
    if "DR_SEED" not in rules and load_settings(workspace, overrides).seed is None:
        rules["DR_SEED"] = (SEED, HERE)
    return rules


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def change(folder: SweepFolder, choices: Choices) -> None:
    """Apply what the command line says when it continues a sweep, also to models that are done.

    Raises:
        UsageError: it was started with other settings; or it is running, and its process has read the old ones.
    """
    sweep = folder.read()
    if choices.overrides and choices.overrides != sweep.overrides:
        before = " ".join(f"--set {text}" for text in sweep.overrides) or "no --set"
        raise UsageError(
            f"{folder.name} was started with {before}, and all its models have to be trained alike.",
            "Omit --set to continue it; -w deletes its models and results and starts from scratch.",
        )
    at_a_time = choices.at_a_time or sweep.at_a_time
    cores = max(1, sweep.cores * sweep.at_a_time // at_a_time)
    changed = replace(sweep, keep=choices.keep or sweep.keep, at_a_time=at_a_time, cores=cores)
    if (changed.keep, changed.at_a_time) == (sweep.keep, sweep.at_a_time):
        return
    if folder.process is not None:
        raise UsageError(
            f"{folder.name} is running, and reads --at-a-time and --keep at its start only.",
            f"`dr sweep stop {folder.name}`, and start it again; nothing is lost.",
        )
    folder.write(changed)
    if changed.keep == "best":
        for variant in folder.variants():
            if variant.state.state == "done":
                keep_evaluated(folder, changed, variant)


def check_same(folder: SweepFolder, text: bytes) -> None:
    """Raises UsageError if a sweep that exists was started with another file."""
    if folder.read().digest != digest_of(text):
        raise UsageError(
            f"The sweep {folder.name} exists, and its file has changed since it was started.",
            "-w deletes its models and results and starts from scratch; or give this one another `name`.",
        )
