"""An observer that counts the steps of all cars, and says at the end how many there were."""

from __future__ import annotations

from drcli.services.observers.observer import DrivenStep, ObservedRun, Observer, RunEnd
from drcli.services.shared import service_log


class StepCounter(Observer):
    """Looks at whatever drives."""

    roles = frozenset(("worker", "evaluation"))

    def __init__(self, run: ObservedRun) -> None:
        super().__init__(run)
        self.steps = {True: 0, False: 0}  # by whether it was an evaluation

    def on_step(self, step: DrivenStep) -> None:
        """Some cars have driven a step."""
        self.steps[step.is_evaluation] += len(step.cars)

    def on_end(self, end: RunEnd) -> None:
        """Tell."""
        service_log.line(f"step_counter: {self.steps[False]} steps, {self.steps[True]} of evaluations")
