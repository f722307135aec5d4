"""What training_params.yaml says about track, race and car. Pure.

Source: lambda/src/import-workflow/utils/ImportHelper.ts (what is read from it), lambda/src/api/utils/validation.ts.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from drcli.import_checks import track_rules
from drcli.import_checks.car_shells import COLOURS, DEEPRACER, DEEPRACER_COLOURS, SHELLS
from drcli.import_checks.findings import PARAMS, ImportFault, fault, note

_MOST_OBSTACLES = 6
_FIRST, _LAST, _APART = 0.07, 0.9, 0.13  # share of the lap


def check_params(params: Mapping[str, Any]) -> Iterator[ImportFault]:
    """Track, race and car, in the order of importModel."""
    yield from _car(params)
    yield from track_rules.check_track(params)
    yield from _race(params)


def _car(params: Mapping[str, Any]) -> Iterator[ImportFault]:
    """getCarCustomization, validateCarCustomization, and SimAppCarShells in workflow/constants/simulation.ts."""
    shell, colour = params.get("BODY_SHELL_TYPE"), params.get("CAR_COLOR")
    if shell and shell != DEEPRACER:
        if str(shell) not in SHELLS:
            yield note(PARAMS, f"BODY_SHELL_TYPE {shell} is unknown and becomes a white DeepRacer car")
        return
    if not shell or not colour:
        return
    if not isinstance(colour, str):
        yield fault(PARAMS, f"CAR_COLOR {colour!r} is not a text", "put it in quotes")
    elif colour.upper() in DEEPRACER_COLOURS:
        return
    elif colour.upper() in COLOURS:
        names = ", ".join(name.capitalize() for name in DEEPRACER_COLOURS)
        yield fault(PARAMS, f"CAR_COLOR {colour} does not exist for this car", f"use one of {names}")
    else:
        yield note(PARAMS, f"CAR_COLOR {colour} is unknown and becomes White")


def _race(params: Mapping[str, Any]) -> Iterator[ImportFault]:
    """determineRaceType."""
    race = params.get("RACE_TYPE")
    if race == "OBJECT_AVOIDANCE":
        yield from _obstacles(params)
    elif race is not None and race != "TIME_TRIAL":
        yield note(PARAMS, f"RACE_TYPE {race} becomes TIME_TRIAL on import")


def _obstacles(params: Mapping[str, Any]) -> Iterator[ImportFault]:
    """parseObjectAvoidanceConfig, validateObjectAvoidanceConfig; database/src/constants/itemAttributes.ts (numbers)."""
    count = params.get("NUMBER_OF_OBSTACLES")
    if not isinstance(count, int | float) or isinstance(count, bool):
        hint = f"write 1 to {_MOST_OBSTACLES} without quotes"
        yield fault(PARAMS, f"NUMBER_OF_OBSTACLES {count!r} is not a number", hint)
        return
    if not 0 < count <= _MOST_OBSTACLES:
        yield fault(
            PARAMS, f"NUMBER_OF_OBSTACLES has to be 1 to {_MOST_OBSTACLES}", "set DR_OA_NUMBER_OF_OBSTACLES"
        )
        return
    places = params.get("OBJECT_POSITIONS")
    if not places or params.get("RANDOMIZE_OBSTACLE_LOCATIONS") is True:
        return
    if not isinstance(places, list) or not all(isinstance(place, str) for place in places):
        yield fault(
            PARAMS, "OBJECT_POSITIONS is not a list of texts", "write '0.2, -1': share of the lap, lane"
        )
    elif len(places) != count:
        hint = "name as many as NUMBER_OF_OBSTACLES, or none"
        yield fault(PARAMS, f"{len(places)} OBJECT_POSITIONS for {count} obstacles", hint)
    else:
        yield from _places(places)


def _places(places: list[str]) -> Iterator[ImportFault]:
    shares = sorted(_number(place.split(",")[0]) for place in places)
    lanes = [_number(place.partition(",")[2].split(",")[0]) for place in places]
    if not all(map(math.isfinite, [*shares, *lanes])):
        yield fault(
            PARAMS, "OBJECT_POSITIONS are not all pairs of numbers", "write '0.2, -1': share of the lap, lane"
        )
        return
    hint = "change DR_OA_OBJECT_POSITIONS"
    if shares[0] < _FIRST:
        yield fault(PARAMS, f"the obstacle at {shares[0]:g} of the lap is before {_FIRST}", hint)
    if shares[-1] > _LAST:
        yield fault(PARAMS, f"the obstacle at {shares[-1]:g} of the lap is after {_LAST}", hint)
    for before, after in pairwise(shares):
        if after - before < _APART:
            yield fault(
                PARAMS,
                f"the obstacles at {before:g} and {after:g} of the lap are less than {_APART} apart",
                hint,
            )


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
