"""All observers of a service, and which of them overrides which hook."""

from __future__ import annotations

from collections.abc import Iterable

from drcli.contract.episode import Episode
from drcli.services.observers.observer import (
    DrivenStep,
    EvaluatedCheckpoint,
    NewCheckpoint,
    ObservedRun,
    Observer,
    RunEnd,
    Update,
)
from drcli.tables import OBSERVERS


class Subscriptions:
    """Calls each hook of the observers that override it."""

    def __init__(self, observers: Iterable[Observer] = ()) -> None:
        self.observers = tuple(observers)
        self._on_step = self._listeners("on_step")
        self._on_episode = self._listeners("on_episode")
        self._on_workers = self._listeners("on_workers")
        self._on_begin = self._listeners("on_begin")
        self._on_update = self._listeners("on_update")
        self._on_evaluation = self._listeners("on_evaluation")
        self._on_checkpoint = self._listeners("on_checkpoint")
        self._on_end = self._listeners("on_end")

    @classmethod
    def of(cls, run: ObservedRun) -> Subscriptions:
        """Create every observer in the table that lists this role."""
        members: list[type[Observer]] = [OBSERVERS.load(name) for name in OBSERVERS]
        return cls(member(run) for member in members if run.role in member.roles)

    def _listeners(self, hook: str) -> tuple[Observer, ...]:
        unheard = getattr(Observer, hook)
        return tuple(observer for observer in self.observers if getattr(type(observer), hook) is not unheard)

    def step(self, step: DrivenStep) -> None:
        """Call `on_step`."""
        for observer in self._on_step:
            observer.on_step(step)

    def episode(self, worker: int, episode: Episode) -> None:
        """Call `on_episode`."""
        for observer in self._on_episode:
            observer.on_episode(worker, episode)

    def workers(self, present: int) -> None:
        """Call `on_workers`."""
        for observer in self._on_workers:
            observer.on_workers(present)

    def begin(self) -> None:
        """Call `on_begin`."""
        for observer in self._on_begin:
            observer.on_begin()

    def update(self, update: Update) -> None:
        """Call `on_update`."""
        for observer in self._on_update:
            observer.on_update(update)

    def evaluation(self, evaluated: EvaluatedCheckpoint) -> None:
        """Call `on_evaluation`."""
        for observer in self._on_evaluation:
            observer.on_evaluation(evaluated)

    def checkpoint(self, checkpoint: NewCheckpoint) -> None:
        """Call `on_checkpoint`."""
        for observer in self._on_checkpoint:
            observer.on_checkpoint(checkpoint)

    def end(self, end: RunEnd) -> None:
        """Call `on_end`."""
        for observer in self._on_end:
            observer.on_end(end)
