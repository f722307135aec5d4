"""The track of a run. In a container the folder of tracks may be missing, or another's, to read only."""

from __future__ import annotations

import os

from drcli.services.environment import Environment
from drcli.sim.catalogue import load_track
from drcli.sim.track import Track


def load_world(name: str, environment: Environment) -> Track:
    """The track `name`: ours, from DR_TRACKS_DIR, or fetched; kept there for the next time if that is allowed."""
    folder = environment.tracks_dir
    if folder is not None and folder.is_dir() and not os.access(folder, os.W_OK):
        stem = name.removesuffix("_cw").removesuffix("_ccw")
        if not any(path.stem in (name, stem) for path in folder.iterdir()):
            folder = None
    return load_track(name, folder, environment.tracks_url)
