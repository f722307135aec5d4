"""Following a run in the terminal: its plan, progress and outcome. Ctrl-C only stops following."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from drcli.cli import present, screen
from drcli.config.settings import Settings
from drcli.errors import DrError
from drcli.launch import evaluation_start, run_control, training_start
from drcli.launch.evaluation_start import StartedEvaluation
from drcli.launch.launcher import launcher_of
from drcli.launch.plan import Plan
from drcli.launch.planning import DryRun
from drcli.launch.run_view import RunView
from drcli.launch.training_start import PreparedTraining
from drcli.paths import Workspace
from drcli.store.run_status import RunStatus
from drcli.watch.dashboard.dashboard_layout import draw as draw_dashboard
from drcli.watch.dashboard.run_reader import RunReader
from drcli.watch.run_progress import Chronicle, format_duration, format_outcome, format_status_line

PATIENCE_S = 300.0  # for the community's engine, which unpacks and compiles before its sagemaker starts
REDRAW_S = 0.25  # at most, so that a dashboard fits a resized terminal, and its clock ticks
_WORDS = {"running": "started", "starting": "starting", "ended": "ended", "down": "down"}


def show_plan(found: DryRun, command: str, as_json: bool) -> None:
    """Show the stacks that `command` would start, and the errors that would prevent it."""
    for warning in found.warnings:
        present.warn(warning)
    for error in found.missing:
        present.warn(str(error))
    if as_json:
        present.as_json({"stacks": found.stacks})
        return
    for stack in found.stacks:
        for name, service in stack["services"].items():
            replicas = stack["replicas"].get(name, 1)
            words = " ".join([service.get("image", ""), *(service.get("command") or ())]).strip()
            present.result(f"{stack['project']}/{name}  x{replicas}  {words}")
            for variable, value in sorted((service.get("environment") or {}).items()):
                present.result(f"    {variable}={'' if value is None else value}")
    present.next_step(command, "start it, without --dry-run")


def follow_started(
    plan: Plan, prepared: PreparedTraining, *, wipe: bool, until_ready: bool
) -> RunStatus | None:
    """Follow a started training. Returns its last status, None if its engine does not report one.

    Raises DrError if it failed, after deleting what it uploaded.
    """
    if not plan.is_ours:
        try:
            follow_services(plan, prepared.request.workspace)
        except DrError:
            training_start.take_back(prepared, wipe=wipe)
            raise
        return None
    status = follow_training(plan, prepared, until_ready=until_ready)
    if status.state == "failed":
        training_start.take_back(prepared, wipe=wipe)
        raise DrError(status.message, status.hint)
    return status


def follow_training(plan: Plan, prepared: PreparedTraining, *, until_ready: bool) -> RunStatus:
    """Follow a training until it has ended or, with `until_ready`, until it is training. Returns its last status."""
    settings, workspace = prepared.request.settings, prepared.request.workspace
    reader = RunReader(settings, workspace, plan, prepared.bucket)
    follow(reader, until_ready=until_ready)
    if reader.view is not None and reader.view.is_over:
        run_control.stop(workspace, plan.kind, plan.run_id)  # removes the ended containers
    return reader.status


def follow(reader: RunReader, *, until_ready: bool = False) -> None:
    """Show a training until it has ended, or until Ctrl-C: as a dashboard, or as lines where there is no screen."""
    chronicle = Chronicle()
    with _leaving_is_fine(), screen.view(is_line=until_ready) as view:
        while True:
            reader.look()
            for line in chronicle.news(reader.status):
                view.say(line)
            if reader.is_over or (until_ready and reader.status.state == "training"):
                break
            _show(view, reader)
    if reader.status.state == "ended":
        present.result(format_outcome(reader.status))


def _show(view: screen.View, reader: RunReader) -> None:
    """Show the run until the next look at it is due."""
    _replace_supervisor(reader.plan, reader.settings, reader.workspace, reader.view)
    due = time.monotonic() + launcher_of(reader.plan.style).poll_s
    while (wait_s := due - time.monotonic()) > 0:
        view.show(
            partial(_now, reader.status, reader.view),
            partial(draw_dashboard, reader.dashboard()),  # it follows the size of the terminal
        )
        time.sleep(min(wait_s, REDRAW_S))


def follow_services(plan: Plan, workspace: Workspace) -> None:
    """Wait until all services of the community's engine are up, with a line for each.

    Raises DrError if one of them is down or does not come up, after stopping the run.
    """
    deadline = time.monotonic() + PATIENCE_S
    known: dict[str, str] = {}
    with _leaving_is_fine(), present.live() as live:
        while True:
            seen = run_control.read(workspace, plan.kind, plan.run_id)
            states: dict[str, str] = {r.name: r.state for r in seen.replicas} if seen is not None else {}
            for name, state in states.items():
                if known.get(name) != state and state == "running":
                    live.say(f"{name} is up.")
            known = states
            is_late = time.monotonic() > deadline
            if seen is not None and (seen.is_over or is_late):
                run_control.stop(workspace, plan.kind, plan.run_id)
                missing = ", ".join(
                    sorted({"sagemaker", *states} - {n for n, s in states.items() if s == "running"})
                )
                raise DrError(
                    seen.message or f"{missing} did not come up.",
                    seen.hint or "`dr logs rl_coach` shows why.",
                )
            if "sagemaker" in states and set(states.values()) == {"running"}:
                return
            live.line("starting: " + ", ".join(f"{name} {_WORDS[state]}" for name, state in states.items()))
            time.sleep(launcher_of(plan.style).poll_s)


def follow_evaluation(evaluation: StartedEvaluation, workspace: Workspace) -> bool:
    """Follow an evaluation until it has ended; False if the user pressed Ctrl-C. Raises DrError if it failed."""
    plan = evaluation.plan
    present.say(f"Evaluating {' against '.join(evaluation.models)} on {plan.world_name}.")
    began = time.monotonic()
    with _leaving_is_fine(), present.live() as live:
        for _ in polls(evaluation, workspace):
            live.line(f"driving, {format_duration(time.monotonic() - began)}")
        return True
    return False


def polls(evaluation: StartedEvaluation, workspace: Workspace) -> Iterator[None]:
    """Look after an evaluation until it has ended: an item per poll. Raises DrError if it failed."""
    plan = evaluation.plan
    while True:
        seen = run_control.read(workspace, plan.kind, plan.run_id)
        if seen is not None and seen.is_over:
            run_control.stop(workspace, plan.kind, plan.run_id)
            if seen.state != "ended":
                raise DrError(seen.message, seen.hint)
            return
        yield
        _look_after(plan, evaluation.settings, workspace, seen)


def draw(evaluation: StartedEvaluation, workspace: Workspace) -> Path:
    """Draw the evaluated laps. Returns the path of the picture."""
    from drcli.sim.catalogue import load_track
    from drcli.watch.picture import draw_evaluation

    settings = evaluation.settings
    track = load_track(settings.world_name, workspace.tracks, settings.tracks_url)
    path = workspace.pictures / f"{evaluation.plan.prefix.replace('/', '_')}-{evaluation.name}.png"
    draw_evaluation(
        track, evaluation_start.trace(evaluation), f"{evaluation.plan.prefix} on {track.name}", path
    )
    return path


def _look_after(plan: Plan, settings: Settings, workspace: Workspace, seen: RunView | None) -> None:
    """Replace a killed supervisor, then wait until the next poll."""
    _replace_supervisor(plan, settings, workspace, seen)
    time.sleep(launcher_of(plan.style).poll_s)


def _replace_supervisor(plan: Plan, settings: Settings, workspace: Workspace, seen: RunView | None) -> None:
    if seen is not None and seen.is_orphan:
        run_control.revive(workspace, plan.run_id, settings)


def _now(status: RunStatus, seen: RunView | None) -> str:
    if status.state == "training":
        return format_status_line(status)
    services = ((r.name, _WORDS[r.state]) for r in (seen.replicas if seen else ()))
    workers = f"{status.workers} workers connected"
    return "starting: " + ", ".join([*(f"{name} {state}" for name, state in services), workers])


@contextmanager
def _leaving_is_fine() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        present.say("Stopped following; the run continues.")
