"""Stop everything of ours: the runs and the store of this workspace; with Docker also those of other workspaces."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from drcli.config.settings import Settings
from drcli.launch import run_control
from drcli.launch.bucket import stop_store
from drcli.paths import Workspace


def stop_all(workspace: Workspace, settings: Settings) -> Iterator[str]:
    """Stop all runs, then the store; yields each name as soon as it has stopped."""
    for folder in run_control.folders(workspace):
        if run_control.stop(workspace, folder.kind, folder.run_id):
            yield f"The {folder.kind} of run {folder.run_id}"
    if stop_store(settings, workspace):
        yield "The store"


def foreign() -> list[str]:
    """Our projects and stacks on this machine's engine, from any workspace."""
    from drcli.launch.docker import all_stacks

    return all_stacks.projects()


def stop_foreign(projects: Iterable[str]) -> Iterator[str]:
    """Stop them directly, since their workspaces may no longer exist."""
    from drcli.launch.docker import all_stacks

    for project in projects:
        all_stacks.remove(project)
        yield project
