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
from drcli.watch.scene import CarLook


@dataclass(frozen=True)
class RaceLooks:
    """Names, colours and shells of the models of a race, in their order."""

    names: tuple[str, ...] = ()
    colors: tuple[str, ...] = ()
    shells: tuple[str, ...] = ()
    racers: tuple[str, ...] = ()

    @classmethod
    def read(cls, environment: Environment) -> RaceLooks:
        """From the bucket; nothing if the document cannot be read: pictures do not depend on it."""
        name = environment.params_file
        if environment.configs > 1:
            name = worker_file(name, max(environment.worker_index, 0) % environment.configs + 1)
        with suppress(DrError):
            document = Bucket(environment.store).get(ModelKeys(environment.prefix).params(name))
            return cls.of_document(document)
        return cls()

    @classmethod
    def of_document(cls, text: str | bytes) -> RaceLooks:
        """From a params document; nothing if it is not a mapping."""
        import yaml

        with suppress(yaml.YAMLError):
            values = yaml.safe_load(text)
            if isinstance(values, dict):
                return cls.of(values)
        return cls()

    @classmethod
    def of(cls, values: Mapping[str, object]) -> RaceLooks:
        """From the values of a params document."""
        names = _texts(values, "DISPLAY_NAME") or _texts(values, "RACER_NAME") or _texts(values, "CAR_NAME")
        racers = _texts(values, "RACER_NAME")
        return cls(names, _texts(values, "CAR_COLOR"), _texts(values, "BODY_SHELL_TYPE"), racers)

    def of_place(self, place: int) -> CarLook:
        """Those of one model, with the racer in front of the car's name if they are two."""
        racer, name = _at(self.racers, place, ""), _at(self.names, place, "")
        title = f"{racer} · {name}" if racer and name and racer != name else name or racer
        return CarLook(title, _at(self.colors, place, "Red"), _at(self.shells, place, "deepracer"))

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
