"""The track of a run: its copy in the bucket if there is one (containers have no tracks folder), otherwise by name."""

from __future__ import annotations

import tempfile
from pathlib import Path

from drcli.contract.keys import ModelKeys
from drcli.services.shared.environment import Environment
from drcli.sim.catalogue import load_track
from drcli.sim.track import Track
from drcli.store.client import Bucket


def load_run_track(name: str, environment: Environment) -> Track:
    """Load the track `name`. Raises DrError if it is unknown or cannot be fetched."""
    bucket, folder_key = Bucket(environment.store), ModelKeys(environment.prefix).tracks_folder
    copies = [info.key for info in bucket.list(folder_key)]
    if not copies:
        return load_track(name, environment.tracks_dir, environment.tracks_url)
    with tempfile.TemporaryDirectory() as folder:
        for key in copies:
            Path(folder, key.removeprefix(folder_key)).write_bytes(bucket.get(key))
        return load_track(name, Path(folder), environment.tracks_url)
