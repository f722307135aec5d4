"""Following a run from the terminal: the plan, the progress, the outcome. Ctrl-C only looks away."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from drcli.cli import present
from drcli.config.settings import Settings
from drcli.errors import DrError
from drcli.launch import evaluating, stack
from drcli.launch.evaluating import Evaluation
from drcli.launch.plan import Plan
from drcli.launch.processes.run_folder import Stack
from drcli.launch.training import Prepared
from drcli.paths import Workspace
from drcli.store.status import RunStatus, read_status
from drcli.watch.progress import Chronicle, format_outcome, format_status_line

POLL_S = 0.25


def show_plan(plan: Plan, command: str, as_json: bool) -> None:
    """What `command` would start, secrets masked."""
    if as_json:
        present.as_json({"stacks": [plan.describe()]})
        return
    for service in plan.services:
        present.result(f"{plan.project}/{service.name}  x{service.replicas}  {' '.join(service.command)}")
        for name, value in sorted(service.environment.items()):
            present.result(f"    {name}={value}")
    present.next_step(command, "without --dry-run starts it")


def follow_training(plan: Plan, prepared: Prepared, *, until_ready: bool) -> RunStatus:
    """Follow a training until it has ended, or until all services are up. Its last status."""
    chronicle, status = Chronicle(), _before_the_first(plan)
    with _leaving_is_fine(), present.live() as live:
        while True:
            seen = stack.read(prepared.workspace, plan.kind, plan.run_id)
            status = read_status_or(prepared, plan, status)
            for line in chronicle.news(status):
                live.say(line)
            if seen is not None and seen.is_over:
                status = _final(read_status_or(prepared, plan, status), seen)
                break
            if until_ready and status.state == "training":
                break
            live.line(_now(status, seen))
            _look_after(plan, prepared.workspace, seen)
    for line in chronicle.news(status):
        present.say(line)
    if status.state == "ended":
        present.result(format_outcome(status))
    return status


def follow_evaluation(evaluation: Evaluation, workspace: Workspace) -> bool:
    """Follow an evaluation until it has ended; False when the user looks away. DrError when it failed."""
    plan = evaluation.plan
    present.say(f"Evaluating {plan.prefix} on {plan.world_name}.")
    with _leaving_is_fine(), present.live() as live:
        while True:
            seen = stack.read(workspace, plan.kind, plan.run_id)
            if seen is not None and seen.state == "failed":
                raise DrError(seen.message, seen.hint)
            if seen is not None and seen.is_over:
                return True
            live.line("driving ...")
            _look_after(plan, workspace, seen)
    return False


def draw(evaluation: Evaluation, settings: Settings, workspace: Workspace) -> Path:
    """Draw the evaluated laps; where the picture is."""
    from drcli.sim.catalogue import load_track
    from drcli.watch.picture import draw_evaluation

    track = load_track(settings.world_name, workspace.tracks, settings.tracks_url)
    path = workspace.pictures / f"{evaluation.plan.prefix.replace('/', '_')}-{evaluation.name}.png"
    draw_evaluation(track, evaluating.trace(evaluation), f"{evaluation.plan.prefix} on {track.name}", path)
    return path


def read_status_or(prepared: Prepared, plan: Plan, fallback: RunStatus) -> RunStatus:
    """The run's status document; `fallback` while there is none or the store is away for a moment."""
    try:
        return read_status(prepared.bucket, plan.prefix) or fallback
    except DrError:
        return fallback


def _look_after(plan: Plan, workspace: Workspace, seen: Stack | None) -> None:
    """Between two looks: a supervisor that was killed gets a successor."""
    if seen is not None and seen.is_orphan:
        stack.revive(workspace, plan.kind, plan.run_id, plan.secrets)
    time.sleep(POLL_S)


def _now(status: RunStatus, seen: Stack | None) -> str:
    if status.state == "training":
        return format_status_line(status)
    services = ((r.name, "started" if r.is_alive else "down") for r in (seen.replicas if seen else ()))
    workers = f"{status.workers} workers connected"
    return "starting: " + ", ".join([*(f"{name} {state}" for name, state in services), workers])


def _final(status: RunStatus, seen: Stack) -> RunStatus:
    if seen.state == "failed" and status.state != "failed":
        return replace(status, state="failed", message=seen.message, hint=seen.hint)
    return status if status.is_over else replace(status, state="ended", stop_reason="stopped")


def _before_the_first(plan: Plan) -> RunStatus:
    now = time.time()
    return RunStatus("starting", plan.prefix, plan.world_name, plan.run_id, 0, started_at=now, updated_at=now)


@contextmanager
def _leaving_is_fine() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        present.say("You have left the view; the run goes on.")
