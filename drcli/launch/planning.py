"""From a request to the plan of a run: take one snapshot of the machine, then let the launcher plan."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from drcli.errors import DrError
from drcli.launch import run_control
from drcli.launch.launcher import RunRequest, launcher_of
from drcli.launch.machine import Snapshot
from drcli.launch.plan import Plan
from drcli.launch.store_access import has_own_store


@dataclass(frozen=True)
class DryRun:
    """What a start would do: the stacks with secrets masked, the errors that would prevent it, and warnings."""

    stacks: list[dict[str, Any]]
    missing: tuple[DrError, ...]
    warnings: tuple[str, ...] = ()


def checked_plan(request: RunRequest) -> Plan:
    """The plan of a run, checked as far as possible before the store is open; changes nothing.

    Raises:
        DrError: no credentials, no engine, no image, …
    """
    return _checked(request, _complete_snapshot(request))


def final_plan(request: RunRequest) -> Plan:
    """The plan that is started once the store is open and the run is claimed.

    The machine is inspected again: the store has its keys now, and another process may have used a port meanwhile.
    """
    settings, snapshot = request.settings, _complete_snapshot(request)
    if has_own_store(settings):
        store = launcher_of(settings.docker_style).own_store
        own = store.run_credentials(settings, request.workspace, request.kind, request.prefix)
        snapshot = snapshot if own is None else replace(snapshot, credentials=own)
    return _checked(request, snapshot)


def dry_run(request: RunRequest, warnings: tuple[str, ...] = ()) -> DryRun:
    """What would be started, and what is missing for a start. Needs no credentials, no engine and no bucket."""
    launcher = launcher_of(request.settings.docker_style)
    snapshot = launcher.look(request.settings, request.workspace)
    plan: Plan = launcher.plan(request, snapshot)
    missing = list(snapshot.missing)
    try:
        launcher.check(plan, request.workspace)
        run_control.check_not_running(request.workspace, request.kind, plan.run_id)
    except DrError as error:
        missing.append(error)
    return DryRun(launcher.describe(plan), tuple(missing), warnings)


def _complete_snapshot(request: RunRequest) -> Snapshot:
    """A snapshot with everything that a start needs. Raises the first error otherwise."""
    snapshot = launcher_of(request.settings.docker_style).look(request.settings, request.workspace)
    for error in snapshot.missing:
        raise error
    if request.cores is not None:
        cores = min(request.cores, snapshot.machine.cores)
        return replace(snapshot, machine=replace(snapshot.machine, cores=cores))
    return snapshot


def _checked(request: RunRequest, snapshot: Snapshot) -> Plan:
    launcher = launcher_of(request.settings.docker_style)
    plan: Plan = launcher.plan(request, snapshot)
    launcher.check(plan, request.workspace)
    return plan
