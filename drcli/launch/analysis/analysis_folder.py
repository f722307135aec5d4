"""The folder of notebooks, `data/analysis`: a first notebook, and tracks in the form that notebooks read."""

from __future__ import annotations

import io
from contextlib import suppress

import numpy as np

from drcli.config.settings import Settings
from drcli.errors import DrError
from drcli.launch.analysis.analysis_environment import Talk
from drcli.local import write_atomically
from drcli.paths import Workspace, defaults_dir
from drcli.sim.catalogue import load_track

NOTEBOOK = "current_model.ipynb"


def prepare(settings: Settings, workspace: Workspace, talk: Talk) -> None:
    """Create the notebook unless there is one, and write the tracks of DR_WORLD_NAME.

    A track is an array of `[N, 6]`: x and y in metres of centre line, inner and outer border. `TrackIO` of
    deepracer-utils looks for it in `tracks/` beside a notebook.
    """
    notebook = (defaults_dir() / "analysis" / NOTEBOOK).read_bytes()
    with suppress(FileExistsError):
        write_atomically(workspace.analysis / NOTEBOOK, notebook, replace=False)
    for name in settings.world_names:
        try:
            track = load_track(name, workspace.tracks, settings.tracks_url)
        except DrError as error:  # without a network; all but pictures of the road works
            talk.say(f"Notebooks will not find the track {name}: {error.message}")
            continue
        content = io.BytesIO()
        np.save(content, track.rows)
        write_atomically(workspace.analysis / "tracks" / f"{name}.npy", content.getvalue())
