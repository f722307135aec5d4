"""Tracks by name: ours, cached, fetched from a real local server, and refused."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from drcli.errors import DrError
from drcli.sim.catalogue import list_tracks, load_track
from drcli.sim.track_names import COMMUNITY_WORLDS

ROUTE = load_track("drcli_oval", None, "").rows
NOWHERE = "http://127.0.0.1:9"  # the discard port: nobody answers


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


class Server:
    """The race-data repository, on loopback."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(root)))
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    root = tmp_path / "race-data"
    root.mkdir()
    server = Server(root)
    yield server
    server.stop()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data" / "tracks"


def npy(array: object) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.asarray(array), allow_pickle=True)
    return buffer.getvalue()


def test_ours_need_neither_network_nor_workspace() -> None:
    assert load_track("drcli_harbour", None, NOWHERE).name == "drcli_harbour"


@pytest.mark.parametrize("name", ["drcli_harbour", "drcli_grand"])
def test_ours_come_in_both_directions(name: str) -> None:
    plain, ccw, cw = (load_track(name + way, None, NOWHERE) for way in ("", "_ccw", "_cw"))
    assert (ccw.direction, cw.direction) == ("ccw", "cw")
    assert (ccw.name, cw.name) == (f"{name}_ccw", f"{name}_cw")
    np.testing.assert_array_equal(cw.rows, ccw.rows[::-1])
    np.testing.assert_array_equal(plain.rows, ccw.rows)


def test_a_community_world_is_fetched_once_and_unchanged(server: Server, folder: Path) -> None:
    swapped = ROUTE[:, [0, 1, 4, 5, 2, 3]]  # inner and outer the wrong way round: loaded as it is
    (server.root / "Vegas_track.npy").write_bytes(npy(swapped))
    track = load_track("Vegas_track", folder, server.url + "/")
    np.testing.assert_array_equal(track.rows, swapped)
    assert [path.name for path in folder.iterdir()] == ["Vegas_track.npy"]
    np.testing.assert_array_equal(load_track("Vegas_track", folder, NOWHERE).rows, swapped)


def test_without_a_workspace_a_world_is_fetched_and_not_kept(server: Server, tmp_path: Path) -> None:
    (server.root / "Monaco.npy").write_bytes(npy(ROUTE))
    before = set(tmp_path.rglob("*"))
    assert load_track("Monaco", None, server.url).name == "Monaco"
    assert set(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"<html>404</html>", "not a NumPy file"),
        (b"", "not a NumPy file"),
        (npy(ROUTE)[:500], "not a NumPy file"),
        (npy(np.array([{"a": 1}], dtype=object)), "not a NumPy file"),  # a pickle is never opened
        (npy(ROUTE[:, :4]), "shape (117, 4) is not (N, 6)"),
        (npy(ROUTE[:2]), "shape (2, 6) is not (N, 6)"),
        (npy(ROUTE.astype(str)), "is not a number"),
        (npy(np.where(ROUTE > 3, np.nan, ROUTE)), "not finite"),
        (npy(ROUTE * 1e-3), "a centre line of 0.0174 m"),
        (npy(np.hstack([ROUTE[:, :2]] * 3)), "a road 0 m wide"),
        (bytes(2_000_001), "more than 2000000 bytes"),
    ],
)
def test_what_is_no_route_is_refused_and_not_kept(
    server: Server, folder: Path, content: bytes, says: str
) -> None:
    (server.root / "Austin.npy").write_bytes(content)
    with pytest.raises(DrError) as caught:
        load_track("Austin", folder, server.url)
    assert says in caught.value.message and f"{server.url}/Austin.npy" in caught.value.message
    assert caught.value.hint
    assert not folder.exists()


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("reinvent_bse", "reinvent_base"),
        ("drcli_harbor", "drcli_harbour"),
        ("reinvent2019_track_CW", "reInvent2019_track_cw"),
        ("my_won", "my_own"),
    ],
)
def test_an_unknown_world_gets_near_matches(server: Server, folder: Path, name: str, near: str) -> None:
    folder.mkdir(parents=True)
    (folder / "my_own.npy").write_bytes(npy(ROUTE))
    for url in (server.url, NOWHERE):
        with pytest.raises(DrError, match=f"unknown world '{name}'") as caught:
            load_track(name, folder, url)
        assert f"Did you mean {near}" in caught.value.hint


@pytest.mark.parametrize("name", ["../drcli_oval", "a/b", "", "%2e%2e", "track?x=1"])
def test_a_name_cannot_leave_the_folder(server: Server, folder: Path, name: str) -> None:
    with pytest.raises(DrError, match="unknown world"):
        load_track(name, folder, server.url)


def test_offline_says_so(folder: Path) -> None:
    with pytest.raises(DrError) as caught:
        load_track("Monaco", folder, NOWHERE)
    assert f"{NOWHERE}/Monaco.npy is unreachable: Connection refused" in caught.value.message
    assert "go online" in caught.value.hint and str(folder) in caught.value.hint


def test_files_load_by_path(tmp_path: Path) -> None:
    route = tmp_path / "mine.npy"
    route.write_bytes(npy(ROUTE))
    drawn = tmp_path / "drawn.yaml"
    drawn.write_text("width_m: 0.8\npoints: [[0, 0], [4, 0], [4, 4], [0, 4]]")
    assert load_track(str(route), None, NOWHERE).name == "mine"
    assert load_track(str(drawn), None, NOWHERE).name == "drawn"
    with pytest.raises(DrError, match=r"none\.npy: cannot be read"):
        load_track(str(tmp_path / "none.npy"), None, NOWHERE)


def test_the_list_has_ours_then_the_folder(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "Monaco.npy").write_bytes(npy(ROUTE[::-1]))
    (folder / "garden.yaml").write_text(
        "description: At home.\nwidth_m: 1\npoints: [[0,0],[4,0],[4,4],[0,4]]"
    )
    tracks = list_tracks(folder)
    ours = [track for track in tracks if track.source == "drcli"]
    assert len(ours) >= 6 and all(track.description for track in ours)
    garden, monaco = tracks[len(ours) :]
    assert (garden.name, garden.description, garden.direction) == ("garden", "At home.", "ccw")
    assert (monaco.name, monaco.source, monaco.direction) == ("Monaco", str(folder / "Monaco.npy"), "cw")
    assert monaco.length_m == pytest.approx(17.42, abs=0.01) and monaco.width_m == pytest.approx(
        1.0, abs=0.01
    )
    assert load_track("garden_cw", folder, NOWHERE).direction == "cw"
    assert [track.name for track in list_tracks(folder / "none")] == [track.name for track in ours]


def test_the_built_in_names_are_names() -> None:
    assert len(COMMUNITY_WORLDS) == len(set(COMMUNITY_WORLDS)) == 127
    assert {"reinvent_base", "reInvent2019_track_cw", "2022_reinvent_champ_ccw"} <= set(COMMUNITY_WORLDS)
    assert "2022_reinvent_champ" not in COMMUNITY_WORLDS
