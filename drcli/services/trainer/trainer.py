"""One training run, from its first or its last checkpoint to its end.

What happens in between is up to its method (`drcli.services.trainer.methods`); everything that is written and logged is
done by observers (`drcli.services.observers`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from drcli.services.observers.observer import RunEnd
from drcli.services.observers.subscriptions import Subscriptions
from drcli.services.shared import service_log
from drcli.services.shared.publisher import Publisher
from drcli.services.shared.wire import TrainerSocket
from drcli.services.trainer.starting_point import StartingPoint
from drcli.services.trainer.training_run import TrainingPlan, TrainingRun
from drcli.tables import METHODS


class Method(Protocol):
    """A method of training, for one run. A member of `tables.METHODS` is a class."""

    def __init__(self, run: TrainingRun, start: StartingPoint) -> None:
        """Begin with the network and the state of `start`."""

    def train(self, check: Callable[[], None]) -> None:
        """Train until the run is over, and save what was learned last.

        `check` is called in every iteration: it waits for a store that is behind, and raises DrError if the run cannot
        continue.
        """
        ...

    def save(self) -> None:
        """Save a checkpoint, if there is none of this iteration."""
        ...


class Trainer:
    """Begins a run, trains by its method, ends it."""

    def __init__(self, plan: TrainingPlan, observers: Subscriptions, socket: TrainerSocket) -> None:
        self._observers = observers
        self._run = TrainingRun(plan, observers, socket)
        environment = plan.job.environment
        self._method: Method = METHODS.load(environment.method)(self._run, plan.start)
        plan.start.network.register_forward_hook(self._run.heartbeat.beat)  # learning may take minutes
        service_log.line(
            f"Training {environment.prefix} on {plan.job.params.world_name}, seed {plan.start.counters.seed}, "
            f"{self._run.hardware}."
        )

    @property
    def was_stopped(self) -> bool:
        """Whether a stop was requested."""
        return self._run.stop.requested

    def run(self, publisher: Publisher) -> str:
        """Train until a stop condition holds; return the reason. Raises DrError if the run cannot continue."""
        self._method.save()
        self._run.wait_for_workers()
        self._observers.begin()
        self._method.train(lambda: publisher.keep_pace(self._run.heartbeat.beat))
        return self._run.reason

    def request_stop(self) -> None:
        """End the run cleanly at the next opportunity."""
        self._run.stop.requested = True

    def dismiss_workers(self) -> None:
        """Tell the workers that the run is over."""
        self._run.workers.dismiss()

    def finish(self, publisher: Publisher, reason: str) -> None:
        """Write the last documents and dismiss the workers.

        A container that is asked to stop cannot know whether Docker will restart it, for example after a reboot: the
        run is over once the container is removed; until then its workers wait.
        """
        goes_on = self._run.job.environment.is_container and self.was_stopped
        if not goes_on:
            self.dismiss_workers()
        self._observers.end(RunEnd("stopped" if goes_on else "ended", reason))
        publisher.flush(self._run.heartbeat.beat)
