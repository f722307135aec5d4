"""Every track by name: ours, those in a workspace's cache, the community's (downloaded once), or a file.

Used by commands and by everything that needs a world. Cache and address are arguments: no settings here.
"""

from __future__ import annotations

import io
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from http.client import HTTPException
from pathlib import Path

import numpy as np

from drcli import paths
from drcli.errors import DrError
from drcli.local import write_atomically
from drcli.sim.track import Array, Track
from drcli.sim.track_file import description, read_track
from drcli.sim.track_names import COMMUNITY_WORLDS

_SHIPPED = paths.defaults_dir() / "tracks"
_TIMEOUT_S = 20.0
_MAX_BYTES = 2_000_000  # the longest community route has 401 rows: 19 kB
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_FILES = (".npy", ".yaml", ".yml")


@dataclass(frozen=True)
class TrackInfo:
    """One line of `dr tracks`."""

    name: str
    length_m: float
    width_m: float
    direction: str  # ccw, cw or open
    source: str  # "drcli", or its file
    description: str = ""


def load_track(name: str, folder: Path | None, base_url: str) -> Track:
    """The track called `name`: one of ours (also with `_cw` or `_ccw`), one in `folder`, a downloaded route, a file.

    Raises:
        DrError: unknown name (with close matches), a file that is not a track, or no network.
    """
    if name.endswith(_FILES):
        path = Path(name).expanduser()
        return read_route(path) if path.suffix == ".npy" else read_track(path)
    if not _NAME.fullmatch(name):
        raise _unknown(name, folder)
    designed = _designed(name, folder)
    if designed:
        return designed
    cached = folder / f"{name}.npy" if folder else None
    if cached and cached.is_file():
        return read_route(cached)
    content = _fetch(name, folder, base_url)
    track = _route(name, content, f"{base_url}/{name}.npy")
    if cached:
        _write(cached, content)
    return track


def list_tracks(folder: Path | None) -> list[TrackInfo]:
    """Our tracks, then those in `folder`: the user's own tracks and cached routes."""
    shipped = _files(_SHIPPED, "yaml")
    return [
        *(_info(read_track(path), "drcli", description(path)) for path in shipped),
        *(_info(read_track(path), str(path), description(path)) for path in _files(folder, "yaml")),
        *(_info(read_route(path), str(path)) for path in _files(folder, "npy")),
    ]


def read_route(path: Path) -> Track:
    """A community route, unchanged: `.npy`, `[N, 6]` of centre, inner and outer x and y in metres."""
    try:
        return _route(path.stem, path.read_bytes(), str(path))
    except OSError as error:
        raise DrError(f"{path}: cannot be read: {error.strerror}", "`dr tracks` lists the tracks.") from None


def _files(folder: Path | None, kind: str) -> list[Path]:
    return sorted(folder.glob(f"*.{kind}")) if folder else []


def _designed(name: str, folder: Path | None) -> Track | None:
    """A track from a YAML file, ours or the user's own, in either direction."""
    files = {path.stem: path for path in [*_files(folder, "yaml"), *_files(_SHIPPED, "yaml")]}
    if name in files:
        return read_track(files[name])
    stem, _, way = name.rpartition("_")
    if way not in ("cw", "ccw") or stem not in files:
        return None
    track = read_track(files[stem])
    wanted = track if track.is_ccw == (way == "ccw") else track.reversed()
    return Track.from_rows(name, wanted.rows)


def _info(track: Track, source: str, text: str = "") -> TrackInfo:
    return TrackInfo(track.name, track.length_m, track.width_m, track.direction, source, text)


def _unknown(name: str, folder: Path | None, why: str = "") -> DrError:
    known = {known.lower(): known for known in _known(folder)}
    near = [known[match] for match in get_close_matches(name.lower(), known, n=4, cutoff=0.5)]
    hint = f"Did you mean {', '.join(near)}?" if near else "`dr tracks` lists the tracks."
    return DrError(f"unknown world {name!r}{why}", hint)


def _known(folder: Path | None) -> Iterator[str]:
    for path in _files(_SHIPPED, "yaml") + _files(folder, "yaml"):
        yield from (path.stem, f"{path.stem}_cw", f"{path.stem}_ccw")
    yield from (path.stem for path in _files(folder, "npy"))
    yield from COMMUNITY_WORLDS


def _fetch(name: str, folder: Path | None, base_url: str) -> bytes:
    url = f"{base_url.rstrip('/')}/{name}.npy"
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as answer:
            content: bytes = answer.read(_MAX_BYTES + 1)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 404:
            raise _unknown(name, folder) from None
        raise DrError(
            f"{url}: the server returned {error.code} {error.reason}", _offline_hint(name, folder)
        ) from None
    except (OSError, ValueError, HTTPException) as error:  # URLError, timeout, malformed address, interrupted
        reason = getattr(error, "reason", error)  # a URLError wraps what happened
        reason = getattr(reason, "strerror", None) or reason
        if name not in COMMUNITY_WORLDS:
            raise _unknown(name, folder, f", and {url} is unreachable ({reason})") from None
        raise DrError(f"{url} is unreachable: {reason}", _offline_hint(name, folder)) from None
    if len(content) > _MAX_BYTES:
        raise DrError(
            f"{url}: more than {_MAX_BYTES} bytes, too large for a route", _offline_hint(name, folder)
        )
    return content


def _offline_hint(name: str, folder: Path | None) -> str:
    place = f"put {name}.npy into {folder}, or " if folder else ""
    return f"Worlds that are not ours are downloaded once: go online, {place}use one of ours (`dr tracks`)."


def _route(name: str, content: bytes, origin: str) -> Track:
    try:
        rows = np.load(io.BytesIO(content), allow_pickle=False)
    except (ValueError, EOFError, OSError):
        raise DrError(
            f"{origin}: not a NumPy file with a route", "A route is an array of N rows, 6 columns."
        ) from None
    fault = _fault(rows)
    if fault:
        raise DrError(f"{origin}: {fault}", "A route is [N, 6]: centre, inner, outer x and y in metres.")
    return Track.from_rows(name, rows)


def _fault(rows: Array) -> str:
    """Why an array is not a valid route; empty if it is."""
    if not isinstance(rows, np.ndarray) or rows.ndim != 2 or rows.shape[1] != 6 or len(rows) < 3:
        return f"shape {getattr(rows, 'shape', None)} is not (N, 6)"
    if rows.dtype.kind not in "fiu":
        return f"type {rows.dtype} is not a number"
    if not np.isfinite(rows).all() or np.abs(rows).max() > 10_000.0:
        return "coordinates are not finite metres"
    track = Track.from_rows("", rows)
    if not 1.0 <= track.length_m <= 10_000.0:
        return f"a centre line of {track.length_m:.3g} m"
    if not 0.1 <= track.width_m <= 20.0:
        return f"a road {track.width_m:.3g} m wide"
    return ""


def _write(path: Path, content: bytes) -> None:
    try:
        write_atomically(path, content)
    except OSError as error:
        raise DrError(
            f"{path}: cannot be written: {error.strerror}",
            "Free some space, or check the folder's permissions.",
        ) from None
