"""The tracks of a run: their copies in the bucket if there are any (containers have no tracks folder), or by name."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from drcli.contract.keys import ModelKeys
from drcli.services.shared.environment import Environment
from drcli.sim.catalogue import load_track
from drcli.sim.track import Track
from drcli.store.client import Bucket


def load_run_track(name: str, environment: Environment) -> Track:
    """Load the track `name`. Raises DrError if it is unknown or cannot be fetched."""
    return load_run_tracks((name,), environment)[0]


def load_run_tracks(names: Sequence[str], environment: Environment) -> tuple[Track, ...]:
    """Load these tracks, in this order. Raises DrError if one is unknown or cannot be fetched."""
    bucket, folder_key = Bucket(environment.store), ModelKeys(environment.prefix).tracks_folder
    copies = [info.key for info in bucket.list(folder_key)]
    if not copies:
        return _load(names, environment.tracks_dir, environment)
    with tempfile.TemporaryDirectory() as folder:
        for key in copies:
            Path(folder, key.removeprefix(folder_key)).write_bytes(bucket.get(key))
        return _load(names, Path(folder), environment)


def _load(names: Sequence[str], folder: Path | None, environment: Environment) -> tuple[Track, ...]:
    return tuple(load_track(name, folder, environment.tracks_url) for name in names)
