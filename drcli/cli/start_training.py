"""`dr start-training`: check, upload, start, follow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from drcli.cli import options, present
from drcli.errors import DrError, UsageError

if TYPE_CHECKING:
    from drcli.launch.plan import Plan
    from drcli.launch.training_start import PreparedTraining
    from drcli.store.run_status import RunStatus


@click.command()
@click.option("-w", "--wipe", is_flag=True, help="First delete everything under the model prefix (asks).")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option("--resume", is_flag=True, help="Continue the model under the prefix from its last checkpoint.")
@click.option("-q", "--quiet", is_flag=True, help="Return as soon as the training is running.")
@click.option("-v", "--viewer", is_flag=True, help="Also start the viewer and print its address.")
@click.option("--dry-run", is_flag=True, help="Show what would be started; change nothing.")
@click.option("--json", "as_json", is_flag=True, help="With --dry-run: as JSON.")
@options.overrides
@click.pass_obj
def command(
    experiment: str | None,
    wipe: bool,
    yes: bool,
    resume: bool,
    quiet: bool,
    viewer: bool,
    dry_run: bool,
    as_json: bool,
    overrides: tuple[str, ...],
) -> None:
    """Train a model: check everything, upload the custom files, start, follow until the run ends.

    Ctrl-C closes the view; the run continues until DR_TRAIN_STOP_PROGRESS, DR_TRAIN_MAX_MINUTES,
    term_cond_max_episodes or `dr stop-training` ends it.

    \b
      dr start-training
      dr start-training -w --set DR_WORLD_NAME=reInvent2019_track --set DR_TRAIN_MAX_MINUTES=10
    """
    from drcli.cli import follow_run, image_offer
    from drcli.launch import run_control, start_checks, training_start

    if wipe and resume:
        raise UsageError(
            "-w and --resume contradict each other.", "-w starts from scratch, --resume continues."
        )
    if as_json and not dry_run:
        raise UsageError("--json needs --dry-run.", "`dr status --json` shows the state of a run.")
    workspace, settings = options.load(experiment, overrides)
    present.warn_all(start_checks.settings_without_effect(settings, workspace, "training"))
    if dry_run:
        found = training_start.dry_run(settings, workspace)
        follow_run.show_plan(found, "dr start-training", as_json)
        return
    present.say_all(start_checks.advice(settings))
    image_offer.offer_build(settings, is_wanted=yes)
    with run_control.begin_early(settings, "training"):
        prepared = training_start.prepare(settings, workspace)
        present.warn_all(prepared.files.warnings)
        if wipe and prepared.existing and not yes:
            _ask_to_wipe(prepared)
        plan = _start(prepared, wipe, resume)
    _start_viewer(prepared, overrides, is_wanted=viewer)
    status = follow_run.follow_started(plan, prepared, wipe=wipe, until_ready=quiet)
    _say_what_next(status)


def _start(prepared: PreparedTraining, wipe: bool, resume: bool) -> Plan:
    from drcli.launch import training_start

    present.say_all(prepared.origin)
    with present.live() as live:
        live.line("Starting the services")
        return training_start.start(prepared, wipe=wipe, resume=resume)


def _start_viewer(prepared: PreparedTraining, overrides: tuple[str, ...], *, is_wanted: bool) -> None:
    """A viewer that does not start is no reason to stop the training."""
    from drcli.watch.viewer import viewer_process

    if not is_wanted:
        return
    request = prepared.request
    try:
        running = viewer_process.start(request.workspace, request.settings, overrides)
    except DrError as error:
        present.warn(str(error))
        return
    for address in running.addresses():
        present.say(f"Watch it in the browser: {address}")


def _say_what_next(status: RunStatus | None) -> None:
    if status is None:
        present.next_step("dr logs -f", "follow the trainer; `dr status` and `dr stop-training` work, too")
    elif not status.is_over:
        present.next_step("dr status", "show progress; `dr logs -f` follows, `dr stop-training` stops it")
    else:
        present.next_step("dr evaluate", "evaluate the model and draw its laps")


def _ask_to_wipe(prepared: PreparedTraining) -> None:
    click.confirm(f"Delete the model {prepared.request.prefix} ({prepared.contents})?", abort=True, err=True)
