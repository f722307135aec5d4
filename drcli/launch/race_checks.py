"""Whether a race can take place on its tracks: asked of the race itself, answered in the words of run.env."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from drcli.config.params_documents import race_params, setting_of
from drcli.config.race_settings import RaceSettings
from drcli.config.settings import Settings
from drcli.errors import UsageError
from drcli.tables import RACES

if TYPE_CHECKING:
    from drcli.sim.track import Track


def check_race(settings: Settings, tracks: Iterable[Track]) -> None:
    """Raises UsageError, with the setting and its place, if the race cannot take place with these settings."""
    from drcli.sim.races.own_params import ParamError

    race = replace(RaceSettings(), race_type=settings.race_type, own=race_params(settings))
    for track in tracks:
        try:
            RACES.load(settings.race_type).check(track, race)
        except ParamError as fault:
            raise UsageError(_in_settings(settings, fault.key, fault.problem), fault.hint) from None


def _in_settings(settings: Settings, key: str, problem: str) -> str:
    """The problem of a param, as one of the setting that it is written from."""
    name = setting_of(key)
    if name is None:
        return f"{key}: {problem}."
    for word in problem.replace(",", " ").split():
        if other := setting_of(word):
            problem = problem.replace(word, other)
    return f"{settings.source(name)}: {name}={settings.text(name)}, {problem}."
