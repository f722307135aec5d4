"""Who hears what: only those who have overridden a hook, in the order of the table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from drcli.services.observers.observer import DrivenStep, ObservedRun, Observer, RunEnd
from drcli.services.observers.subscriptions import Subscriptions
from drcli.services.worker.driver import Driver
from drcli.tables import OBSERVERS


class Counter(Observer):
    """Counts steps and car steps."""

    def __init__(self) -> None:
        self.steps: list[DrivenStep] = []

    def on_step(self, step: DrivenStep) -> None:
        self.steps.append(step)


class Deaf(Observer):
    """Overrides nothing."""

    def __init__(self) -> None:
        pass


class Last(Counter):
    """Hears the end, too."""

    ended = ""

    def on_end(self, end: RunEnd) -> None:
        self.ended = end.state


def test_only_who_listens_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def on_end(observer: Observer, end: RunEnd) -> None:
        raise AssertionError("a hook that is not overridden costs nothing")

    monkeypatch.setattr(Observer, "on_end", on_end)
    counter, deaf, last = Counter(), Deaf(), Last()
    Subscriptions([counter, deaf, last]).end(RunEnd("ended"))
    assert last.ended == "ended"


def test_a_step_is_what_the_cars_saw_decided_and_got(new_driver: Callable[..., Any]) -> None:
    counter = Counter()
    made = new_driver(3)
    driver = Driver(made.world, made._head, made.actor, Subscriptions([counter]), is_evaluation=True)
    driver.reset([1, 1, 0])
    first = driver.step()
    assert counter.steps == [first]
    assert first.cars.tolist() == [0, 1]
    assert first.obs["FRONT_FACING_CAMERA"].shape == (2, 120, 160)
    assert first.obs["FRONT_FACING_CAMERA"].dtype == np.uint8
    assert first.decision.actions.shape == (2,)
    assert first.transition.rewards.shape == (3,)
    assert first.is_evaluation


@pytest.mark.parametrize(
    ("role", "names"),
    [
        (
            "trainer",
            [
                "CoachLog", "BucketRecorder", "CurveRecorder", "TelegrafLines", "EventFiles", "TrainerMetrics",
                "StatusWriter",
            ],
        ),
        ("worker", ["LogIntro", "TraceLog", "LiveFeed", "WorkerMetrics"]),
        ("evaluation", ["LogIntro", "TraceLog", "LiveFeed", "EvaluationVideos", "TelegrafLines"]),
    ],
)  # fmt: skip
def test_ours_are_in_the_table_and_say_where_they_look(role: Any, names: list[str]) -> None:
    members: list[type[Observer]] = [OBSERVERS.load(name) for name in OBSERVERS.members]
    assert [member.__name__ for member in members if role in member.roles] == names


def test_those_of_the_role_are_made(run: Any) -> None:
    job = run.job()
    observed = ObservedRun("worker", job.environment, job.bucket, job.keys, "tiny", job.metadata)
    observers = Subscriptions.of(observed).observers
    assert "TraceLog" in [type(observer).__name__ for observer in observers]
    assert observers[0].run is observed
