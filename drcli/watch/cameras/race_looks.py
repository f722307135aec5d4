"""How the cars of a run look and what they are called, by its params document."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from drcli.config.params_documents import worker_file
from drcli.contract.keys import ModelKeys
from drcli.contract.live_state import LiveState
from drcli.errors import DrError
from drcli.services.shared.environment import Environment
from drcli.store.client import Bucket


@dataclass(frozen=True)
class RaceLooks:
    """Names, colours and shells of the models of a race, in their order."""

    names: tuple[str, ...] = ()
    colors: tuple[str, ...] = ()
    shells: tuple[str, ...] = ()

    @classmethod
    def read(cls, environment: Environment) -> RaceLooks:
        """From the bucket; nothing if the document cannot be read: pictures do not depend on it."""
        import yaml

        name = environment.params_file
        if environment.configs > 1:
            name = worker_file(name, max(environment.worker_index, 0) % environment.configs + 1)
        with suppress(DrError, yaml.YAMLError):
            document = Bucket(environment.store).get(ModelKeys(environment.prefix).params(name))
            values = yaml.safe_load(document)
            if isinstance(values, dict):
                return cls.of(values)
        return cls()

    @classmethod
    def of(cls, values: Mapping[str, object]) -> RaceLooks:
        """From the values of a params document."""
        names = _texts(values, "DISPLAY_NAME") or _texts(values, "RACER_NAME") or _texts(values, "CAR_NAME")
        return cls(names, _texts(values, "CAR_COLOR"), _texts(values, "BODY_SHELL_TYPE"))

    def dress(self, state: LiveState) -> LiveState:
        """A state whose cars have names and looks."""
        cars = tuple(
            replace(
                car,
                name=_at(self.names, car.place, ""),
                color=_at(self.colors, car.place, "Black"),
                shell=_at(self.shells, car.place, "deepracer"),
            )
            for car in state.cars
        )
        return replace(state, cars=cars)


def _texts(values: Mapping[str, object], key: str) -> tuple[str, ...]:
    value = values.get(key)
    each = value if isinstance(value, list) else [value] if value not in (None, "") else []
    return tuple(map(str, each))


def _at(texts: tuple[str, ...], place: int, default: str) -> str:
    return texts[place] if place < len(texts) else default
