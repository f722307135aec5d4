"""What a race type says of settings before a start: whether it can take place, and what rewards are told at its start.

Races know the keys of params documents; messages here name the settings that these are written from.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from drcli.config.params_documents import race_params, setting_of
from drcli.config.race_settings import RaceSettings
from drcli.config.settings import Settings
from drcli.errors import UsageError
from drcli.tables import RACES

if TYPE_CHECKING:
    from drcli.sim.reward_params import Params
    from drcli.sim.track import Track


def check_race(settings: Settings, tracks: Iterable[Track]) -> None:
    """Raises UsageError, with the setting and its place, if the race cannot take place with these settings."""
    for track in tracks:
        with _in_words_of(settings):
            RACES.load(settings.race_type).check(track, race_of(settings))


def params_at_start(settings: Settings, track: Track) -> Params:
    """What the race adds to the params of a car on the start line. Raises UsageError like `check_race`."""
    if settings.race_type not in RACES:  # of another engine
        return {}
    with _in_words_of(settings):
        params: Params = RACES.load(settings.race_type).params_at_start(track, race_of(settings))
        return params


def race_of(settings: Settings) -> RaceSettings:
    """The race type of a run, with its own params."""
    return RaceSettings(race_type=settings.race_type, own=race_params(settings))


@contextmanager
def _in_words_of(settings: Settings) -> Iterator[None]:
    """A problem of a param becomes one of the setting that it is written from."""
    from drcli.sim.races.own_params import ParamError

    try:
        yield
    except ParamError as fault:
        name, problem = setting_of(fault.key), fault.problem
        for word in problem.replace(",", " ").split():
            problem = problem.replace(word, setting_of(word) or word)
        where = f"{settings.source(name)}: {name}={settings.text(name)}" if name else fault.key
        raise UsageError(f"{where}, {problem}.", fault.hint) from None
