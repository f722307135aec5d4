"""Where commands about tracks find them."""

from __future__ import annotations

from pathlib import Path

from drcli.errors import DrError


def track_source(experiment: str | None) -> tuple[Path | None, str]:
    """The track cache of the workspace, if there is a workspace, and the address that routes are downloaded from."""
    from drcli.config.load import find_workspace, load_settings, settings_of

    try:
        workspace = find_workspace(experiment=experiment)
    except DrError:
        if experiment:
            raise
        return None, settings_of({}).tracks_url
    return workspace.tracks, load_settings(workspace).tracks_url
