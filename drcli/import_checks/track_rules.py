"""The track of an import: whether DeepRacer on AWS has it, and the route that it calls the reward function on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from drcli.import_checks.findings import PARAMS, ImportFault, fault, note
from drcli.import_checks.known_tracks import BOTH_WAYS, TRACKS, without_direction

if TYPE_CHECKING:
    from drcli.sim.track import Track

ROUTE_FILE = "route.npy"  # what the process that calls the reward function finds
_STAND_IN = "drcli_oval"


class Route(NamedTuple):
    """The route of a track; `missing` names the track if this is another one instead."""

    track: Track
    missing: str = ""


def check_track(params: Mapping[str, Any]) -> Iterator[ImportFault]:
    """WORLD_NAME, and TRACK_DIRECTION_CLOCKWISE, which has to be a boolean.

    Source: lambda/src/import-workflow/utils/ImportHelper.ts getTrackConfig, lambda/src/utils/TrackHelper.ts,
    lambda/src/api/utils/validation.ts validateTrackConfig.
    """
    world, clockwise = str(params.get("WORLD_NAME") or ""), params.get("TRACK_DIRECTION_CLOCKWISE")
    if world in TRACKS:
        if world in BOTH_WAYS and isinstance(clockwise, str) and clockwise.lower() == "true":
            yield note(
                PARAMS,
                f"TRACK_DIRECTION_CLOCKWISE {clockwise!r} is a text and counts as counter-clockwise",
                "write true without quotes",
            )
        return
    bare = without_direction(world)
    if bare in TRACKS:
        hint = f"it has to be {bare}; TRACK_DIRECTION_CLOCKWISE: true or false says the direction"
        yield fault(PARAMS, f"WORLD_NAME {world} contains a direction", hint)
    elif "," in world:
        yield fault(PARAMS, f"WORLD_NAME {world} names several tracks", "name one with --set DR_WORLD_NAME=…")
    elif world:
        yield fault(
            PARAMS,
            f"WORLD_NAME {world} is not a track of DeepRacer on AWS",
            "its tracks are in docs/import-checks.md; --set DR_WORLD_NAME=… uploads the model for one of them",
        )
    else:
        yield fault(PARAMS, "WORLD_NAME is missing", "set DR_WORLD_NAME")


def reward_route(params: Mapping[str, Any], routes: Path | None) -> Route:
    """The route of the model's track, or of another one if its file is not in `routes`. Downloads nothing.

    Source: lambda/src/import-workflow/utils/ImportHelper.ts getTrackNameForValidation.
    """
    from drcli.sim.catalogue import load_track, read_route

    world = str(params.get("WORLD_NAME", ""))
    way = "_cw" if params.get("TRACK_DIRECTION_CLOCKWISE") is True else "_ccw"
    name = f"{world}{way}" if world in BOTH_WAYS else world
    path = (routes or Path()) / f"{name}.npy"
    if routes and name and path.is_file():
        return Route(read_route(path))
    return Route(load_track(_STAND_IN, None, ""), name)
