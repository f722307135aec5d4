"""All observers of a service, and which of them listens to what."""

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
    """Passes on what happens to those who have overridden the hook for it."""

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
        """Every observer of the table that looks at services of this role."""
        members: list[type[Observer]] = [OBSERVERS.load(name) for name in OBSERVERS]
        return cls(member(run) for member in members if run.role in member.roles)

    def _listeners(self, hook: str) -> tuple[Observer, ...]:
        unheard = getattr(Observer, hook)
        return tuple(observer for observer in self.observers if getattr(type(observer), hook) is not unheard)

    def step(self, step: DrivenStep) -> None:
        """Cars have driven a step."""
        for observer in self._on_step:
            observer.on_step(step)

    def episode(self, worker: int, episode: Episode) -> None:
        """An episode has ended."""
        for observer in self._on_episode:
            observer.on_episode(worker, episode)

    def workers(self, present: int) -> None:
        """So many workers are there."""
        for observer in self._on_workers:
            observer.on_workers(present)

    def begin(self) -> None:
        """The first iteration of this start begins."""
        for observer in self._on_begin:
            observer.on_begin()

    def update(self, update: Update) -> None:
        """The policy has learned."""
        for observer in self._on_update:
            observer.on_update(update)

    def evaluation(self, evaluated: EvaluatedCheckpoint) -> None:
        """A checkpoint was evaluated."""
        for observer in self._on_evaluation:
            observer.on_evaluation(evaluated)

    def checkpoint(self, checkpoint: NewCheckpoint) -> None:
        """The network as it is now is to be kept."""
        for observer in self._on_checkpoint:
            observer.on_checkpoint(checkpoint)

    def end(self, end: RunEnd) -> None:
        """The service is about to leave."""
        for observer in self._on_end:
            observer.on_end(end)
