"""The track of a run, where the folder of tracks is another's."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from drcli.errors import DrError
from drcli.services.tracks import load_world
from drcli.sim.catalogue import load_track


@pytest.fixture
def source(tmp_path: Path) -> str:
    """An address that has one route."""
    (tmp_path / "source").mkdir()
    rows = load_track("drcli_oval", None, "").rows
    np.save(tmp_path / "source" / "fetched.npy", rows)
    return (tmp_path / "source").as_uri()


def environment(folder: Path | None, source: str) -> Any:
    return SimpleNamespace(tracks_dir=folder, tracks_url=source)


@pytest.mark.parametrize("kind", ["none", "read-only", "own", "not there yet"])
def test_a_route_is_fetched_and_kept_where_that_is_allowed(
    tmp_path: Path, source: str, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    folder = None if kind == "none" else tmp_path / "tracks"
    if folder and kind != "not there yet":
        folder.mkdir()
    if kind == "read-only":  # a mount that nobody may write to, not even root
        monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)
        assert folder
        np.save(folder / "cached.npy", load_track("drcli_oval", None, "").rows)
        assert load_world("cached", environment(folder, "")).name == "cached"
        with pytest.raises(DrError, match="unknown world"):
            load_world("nothing", environment(folder, source))
    assert load_world("fetched", environment(folder, source)).name == "fetched"
    assert bool(folder and (folder / "fetched.npy").exists()) == (kind in ("own", "not there yet"))
