"""Following a sweep or a search in the terminal: its plan, its variants, its table. Ctrl-C only stops following."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from drcli.cli import options, present, screen
from drcli.sweep import sweep_control, sweep_start
from drcli.sweep.sweep_file import Span, SweepFile
from drcli.sweep.sweep_folder import SweepFolder
from drcli.sweep.sweep_start import Choices, PlannedSweep
from drcli.sweep.sweep_table import as_rows, in_words, matrix, short, winner
from drcli.sweep.sweep_view import Overview, draw, status_line
from drcli.watch.run_progress import format_duration

if TYPE_CHECKING:
    from drcli.paths import Workspace

_LOOK_S = 0.5


def run(
    experiment: str | None,
    path: Path,
    overrides: tuple[str, ...],
    *,
    is_search: bool,
    dry_run: bool,
    at_a_time: int | None,
    keep: str | None,
    wipe: bool,
    yes: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """What `dr sweep FILE` and `dr tune FILE` have in common: everything but what the file may contain."""
    workspace, _ = options.load(experiment, overrides)
    file = SweepFile.read(path, is_search=is_search)
    choices = Choices(overrides, at_a_time, keep)
    if dry_run:
        show_plan(workspace, path, file, choices, as_json=as_json)
        return
    folder = begin(workspace, path, file, choices, wipe=wipe, yes=yes)
    follow(folder, is_quiet=quiet, as_json=as_json)


def show_plan(workspace: Workspace, path: Path, file: SweepFile, choices: Choices, *, as_json: bool) -> None:
    """Check everything, list the variants, estimate time and disk; nothing stays behind."""
    planned = _plan(workspace, path, file, choices)
    planned.discard()
    rows = [
        {"variant": variant.name, **{key: short(value) for key, value in variant.choices.items()}}
        for variant in planned.variants
    ]
    if file.search:
        rows = [{"varied": key, "values": _values(values)} for key, values in file.search.items()]
    if as_json:
        variants = [
            {"name": v.name, "prefix": v.prefix, "choices": dict(v.choices)} for v in planned.variants
        ]
        present.as_json(
            {
                "name": planned.sweep.name,
                "variants": variants,
                "tracks": list(planned.sweep.tracks),
                "estimate": planned.estimate.to_dict(),
            }
        )
    else:
        names = list(dict.fromkeys(key for row in rows for key in row))
        present.table(rows, names, are_names=True)
        present.result("")
        for line in _about(planned):
            present.result(line)
    present.next_step(planned.sweep.command, "start it")


def begin(
    workspace: Workspace, path: Path, file: SweepFile, choices: Choices, *, wipe: bool, yes: bool
) -> SweepFolder:
    """Start a sweep, or continue one that was started with the same file."""
    folder = SweepFolder.of(workspace, file.name)
    if folder.exists and not wipe:
        sweep_start.check_same(folder, path.read_bytes())
        sweep_start.change(folder, choices)
        if sweep_control.is_over(folder):
            present.say(f"{folder.name} has ended; -w starts it from scratch.")
        elif sweep_control.start(folder):
            present.say(f"Continuing {folder.name}.")
        return folder
    planned = _plan(workspace, path, file, choices)
    if wipe and not yes:
        try:
            _agree_to_wipe(planned)
        except click.Abort:
            planned.discard()
            raise
    if folder.exists and sweep_control.stop(folder):
        present.say(f"{folder.name} has stopped.")
    folder = planned.keep_it(wipe=wipe)
    for line in _about(planned):
        present.say(line)
    sweep_control.start(folder)
    return folder


def _agree_to_wipe(planned: PlannedSweep) -> None:
    """Ask if there is something to delete. Raises click.Abort if the user declines."""
    existing = planned.existing()
    if existing:
        shown = ", ".join(existing[:3]) + (", …" if len(existing) > 3 else "")
        models = "1 model" if len(existing) == 1 else f"{len(existing)} models"
        click.confirm(f"Delete {models} ({shown}) and all results?", abort=True, err=True)
    elif planned.folder.exists:
        click.confirm(f"Delete what {planned.sweep.name} has noted?", abort=True, err=True)


def follow(folder: SweepFolder, *, is_quiet: bool = False, as_json: bool = False) -> None:
    """Show a sweep until it has ended, or until Ctrl-C; then its table."""
    if is_quiet and not sweep_control.is_over(folder):
        present.next_step("dr sweep status", "show how far it is; `dr sweep stop` stops it")
        return
    if not _watch(folder):
        present.next_step("dr sweep status", "show how far it is; `dr sweep stop` stops it")
        return
    results(folder, as_json=as_json)


def results(folder: SweepFolder, *, as_json: bool = False) -> None:
    """The table, the matrix of several tracks, and what to do with the winner."""
    overview = Overview.of(folder)
    rows, models = overview.rows(), overview.models
    first = winner(rows)
    if as_json:
        present.as_json(overview.to_dict())
    else:
        present.table(as_rows(rows, overview.sweep.shown), are_names=True)
        if len(overview.sweep.tracks) > 1:
            present.result("\nMean lap on each track:")
            present.table(matrix(models), are_names=True)
    for variant, state in models:
        if state.state == "failed":
            present.warn(f"{variant.name} failed: {state.message}" + (f" {state.hint}" if state.hint else ""))
    if first is None:
        present.next_step("dr sweep status", "no model has driven a lap so far")
        return
    present.say(f"The best is {first.variant}, ranked by {overview.sweep.rank_by}: {first.prefix}")
    if overview.sweep.shown:
        present.say(f"It was trained with {in_words(first.choices)}.")
    others = [row.prefix for row in rows[:3] if row.place]
    present.next_step(
        f"dr evaluate --set DR_LOCAL_S3_MODEL_PREFIX={first.prefix}",
        f"or `dr upload-model --set DR_LOCAL_S3_MODEL_PREFIX={first.prefix}`, `dr report {' '.join(others)} --open`",
    )


def _watch(folder: SweepFolder) -> bool:
    """Follow until it is over. False if the user pressed Ctrl-C, or if the sweep was stopped."""
    said: set[str] = set()
    try:
        with screen.view(is_line=False) as view:
            while True:
                overview = Overview.of(folder)
                for line in overview.news(said):
                    view.say(line)
                if sweep_control.is_over(folder):
                    return True
                if folder.stop_request.exists():
                    view.say(f"{folder.name} was asked to stop.")
                    return False
                if folder.process is None:
                    sweep_control.start(folder)  # it was killed
                view.show(lambda o=overview: status_line(o), lambda w, h, o=overview: draw(o, w, h))  # type: ignore[misc]
                time.sleep(_LOOK_S)
    except KeyboardInterrupt:
        present.say("Stopped following; the sweep continues.")
        return False


def _plan(workspace: Workspace, path: Path, file: SweepFile, choices: Choices) -> PlannedSweep:
    with present.live() as live:
        planned = sweep_start.plan(workspace, path, file, choices, live.line)
    present.warn_all(planned.warnings)
    return planned


def _about(planned: PlannedSweep) -> list[str]:
    found, sweep, capacity = planned.estimate, planned.sweep, planned.capacity
    has = "have" if capacity.words[0].isdigit() else "has"
    what = f"{found.variants} variants" if sweep.trials is None else f"{sweep.trials} trials"
    about = f"about {format_duration(found.seconds)}, as {found.reason}" if found.seconds else found.reason
    most = f"; at most {format_duration(found.limit_s)} (DR_TRAIN_MAX_MINUTES)" if found.limit_s else ""
    return [
        f"{what}, each evaluated on {', '.join(sweep.tracks)}.",
        f"{sweep.at_a_time} at a time: {capacity.words} {has} {capacity.cores} cores and "
        f"{present.size(capacity.memory_bytes)} of free memory.",
        f"Time: {about}{most}. Disk: about {present.size(found.disk_bytes)}.",
    ]


def _values(values: Span | tuple[object, ...]) -> str:
    return str(values) if isinstance(values, Span) else ", ".join(map(short, values))
