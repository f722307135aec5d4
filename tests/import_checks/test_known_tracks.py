from __future__ import annotations

from drcli.import_checks.known_tracks import BOTH_WAYS, TRACKS, without_direction
from drcli.sim.track_names import COMMUNITY_WORLDS


def test_the_tracks() -> None:
    assert len(TRACKS) == 62 and len(BOTH_WAYS) == 29
    assert not [track for track in TRACKS if track != without_direction(track)]


def test_the_community_has_a_route_for_each_direction() -> None:
    routes = {f"{track}{way}" for track in BOTH_WAYS for way in ("_cw", "_ccw")} | (TRACKS - BOTH_WAYS)
    assert routes <= set(COMMUNITY_WORLDS)
