"""The track of a run: its own copy in the bucket goes first."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from drcli.config.load import settings_of
from drcli.launch.start_checks import publish_tracks
from drcli.paths import Workspace
from drcli.services.shared.run_track import load_run_track, load_run_tracks
from drcli.sim.catalogue import load_track
from drcli.store.client import Bucket

SHORT = "width_m: 0.6\npath:\n  - {left_deg: 360, radius_m: %s}\n"


def environment(bucket: Bucket, folder: Path | None = None, source: str = "") -> Any:
    return SimpleNamespace(store=bucket.config, prefix="model", tracks_dir=folder, tracks_url=source)


def test_ours_by_name(bucket: Bucket) -> None:
    assert load_run_track("drcli_oval", environment(bucket)).name == "drcli_oval"


def test_the_copy_of_the_run_goes_first(bucket: Bucket, workspace: Workspace) -> None:
    """Also after the workspace's own was changed, and where there is no workspace."""
    workspace.tracks.mkdir(parents=True)
    own = workspace.tracks / "mine.yaml"
    own.write_text(SHORT % 1.0)
    (workspace.tracks / "other.yaml").write_text(SHORT % 3.0)
    publish_tracks(settings_of({"DR_WORLD_NAME": "mine_cw"}), workspace, bucket, "model")
    assert [info.key for info in bucket.list("model/")] == ["model/tracks/mine.yaml"]
    own.write_text(SHORT % 2.0)
    for folder in (None, workspace.tracks):
        track = load_run_track("mine_cw", environment(bucket, folder))
        assert track.length_m == pytest.approx(2 * np.pi, rel=0.01)


def test_several_in_their_order(bucket: Bucket, workspace: Workspace) -> None:
    workspace.tracks.mkdir(parents=True)
    for number, name in enumerate(("mine", "yours", "other"), start=1):
        (workspace.tracks / f"{name}.yaml").write_text(SHORT % number)
    names = ("yours_cw", "drcli_oval", "mine")
    publish_tracks(settings_of({"DR_WORLD_NAME": ", ".join(names)}), workspace, bucket, "model")
    assert {info.key for info in bucket.list("model/")} == {
        "model/tracks/mine.yaml",
        "model/tracks/yours.yaml",
    }
    tracks = load_run_tracks(names, environment(bucket))
    assert tuple(track.name for track in tracks) == names
    assert tracks[0].length_m == pytest.approx(4 * np.pi, rel=0.01)


def test_a_route_is_fetched_where_there_is_no_copy(bucket: Bucket, tmp_path: Path) -> None:
    np.save(tmp_path / "fetched.npy", load_track("drcli_oval", None, "").rows)
    assert load_run_track("fetched", environment(bucket, None, tmp_path.as_uri())).name == "fetched"
