"""All observers of a service, and which of them overrides which hook."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Concatenate, ParamSpec

from drcli.services.observers.observer import ObservedRun, Observer
from drcli.tables import OBSERVERS

P = ParamSpec("P")
Hook = Callable[Concatenate[Observer, P], None]


class Subscriptions:
    """Each attribute calls a hook of all observers that override it, with the hook's own arguments."""

    def __init__(self, observers: Iterable[Observer] = ()) -> None:
        self.observers = tuple(observers)
        self.step = self._all(Observer.on_step)
        self.episode = self._all(Observer.on_episode)
        self.exam = self._all(Observer.on_exam)
        self.workers = self._all(Observer.on_workers)
        self.begin = self._all(Observer.on_begin)
        self.update = self._all(Observer.on_update)
        self.lesson = self._all(Observer.on_lesson)
        self.examined = self._all(Observer.on_examined)
        self.evaluation = self._all(Observer.on_evaluation)
        self.checkpoint = self._all(Observer.on_checkpoint)
        self.end = self._all(Observer.on_end)

    @classmethod
    def of(cls, run: ObservedRun) -> Subscriptions:
        """Create every observer in the table that lists this role and is wanted."""
        members: list[type[Observer]] = [OBSERVERS.load(name) for name in OBSERVERS]
        return cls(member(run) for member in members if run.role in member.roles and member.is_wanted(run))

    def _all(self, hook: Hook[P]) -> Callable[P, None]:
        name = hook.__name__
        overridden = [o for o in self.observers if getattr(type(o), name) is not hook]
        listeners: list[Callable[P, None]] = [getattr(observer, name) for observer in overridden]

        def call(*args: P.args, **kwargs: P.kwargs) -> None:
            for listener in listeners:
                listener(*args, **kwargs)

        return call
