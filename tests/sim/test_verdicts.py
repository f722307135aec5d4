"""Verdicts, rule by rule, on faults and progress made by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from drcli.config.race_settings import RaceSettings
from drcli.contract.episode import STATUSES, Status
from drcli.sim import verdicts
from drcli.sim.constants import STEP_S
from drcli.sim.verdicts import Referee, Verdicts

ALL = np.ones(1, np.bool_)
FINE, OFF, STUCK, BACK, CRASH = (
    Status.IN_PROGRESS,
    Status.OFF_TRACK,
    Status.IMMOBILIZED,
    Status.REVERSED,
    Status.CRASHED,
)


def referee(num_envs: int = 1, **settings: Any) -> Referee:
    return Referee(RaceSettings(**settings), num_envs)


def judge(referee: Referee, fault: Status = FINE, progress: float = 25.0) -> Verdicts:
    return referee.judge(np.array([progress]), np.array([fault.code], np.int8), ALL)


@pytest.mark.parametrize(
    ("fault", "progress", "status"),
    [
        (FINE, 25.0, "in_progress"),
        (OFF, 25.0, "off_track"),
        (STUCK, 25.0, "immobilized"),
        (BACK, 25.0, "reversed"),
        (CRASH, 25.0, "crashed"),
        (FINE, 100.0, "lap_complete"),
        (OFF, 100.0, "lap_complete"),
        (CRASH, 100.0, "lap_complete"),
    ],
)
def test_a_full_lap_counts_before_a_fault(fault: Status, progress: float, status: str) -> None:
    verdict = judge(referee(), fault, progress)
    assert STATUSES[verdict.status[0]] == status
    assert verdict.terminated[0] == verdict.is_eventful == (status != "in_progress")
    assert not verdict.truncated[0]


def test_the_step_cap_truncates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verdicts, "MAX_STEPS", 3)
    judged = referee()
    found = [judge(judged) for _ in range(3)]
    assert [verdict.truncated[0] for verdict in found] == [False, False, True]
    assert [verdict.is_eventful for verdict in found] == [False, False, True]
    assert not found[-1].terminated[0]


def test_faults_are_forgiven_as_often_as_the_race_allows() -> None:
    judged = referee(number_of_resets=2)
    found = [judge(judged, fault) for fault in (FINE, OFF, FINE, CRASH, BACK)]
    assert [verdict.forgiven[0] for verdict in found] == [False, True, False, True, False]
    assert [verdict.terminated[0] for verdict in found] == [False, False, False, False, True]
    judged.begin(ALL)
    assert judge(judged, OFF).forgiven[0]
    assert judged.counts.steps[0] == 1


def test_a_waiting_car_makes_no_mistakes_but_may_have_finished() -> None:
    judged = referee(number_of_resets=1)
    for phase in (Status.PAUSE, Status.PREPARE):
        verdict = judged.wait(np.array([50.0]), phase, ALL)
        assert (STATUSES[verdict.status[0]], verdict.is_eventful) == (phase, False)
    verdict = judged.wait(np.array([100.0]), Status.PAUSE, ALL)
    assert verdict.terminated[0] and STATUSES[verdict.status[0]] is Status.LAP_COMPLETE


def test_a_continuous_race_chains_laps() -> None:
    judged = referee(is_continuous=True, number_of_trials=2, number_of_resets=9)
    found = [judge(judged, fault, progress) for fault, progress in ((FINE, 99.0), (OFF, 30.0), (FINE, 100.0))]
    assert [verdict.completed[0] for verdict in found] == [False, False, True]
    assert not any(verdict.terminated[0] for verdict in found)
    assert STATUSES[found[-1].status[0]] is FINE
    assert judge(judged, FINE, 100.0).terminated[0]


def test_cars_are_judged_each_on_its_own_and_parked_ones_not_at_all() -> None:
    judged = referee(3)
    codes = np.array([OFF.code, FINE.code, OFF.code], np.int8)
    verdict = judged.judge(np.array([10.0, 100.0, 100.0]), codes, np.array([True, True, False]))
    assert verdict.terminated.tolist() == [True, True, False]
    assert verdict.completed.tolist() == [False, True, False]
    assert judged.counts.clock.tolist() == [1, 1, 0]
    assert judged.counts.clock_s.tolist() == [STEP_S, STEP_S, 0.0]


PYTHON_JUDGE = verdicts._judge.py_func


def plain_judge(counts: Any, *arguments: Any) -> bool:
    *others, out = arguments
    return bool(PYTHON_JUDGE(counts.view(np.recarray), *others, out.view(np.recarray)))


def test_kernel_equals_python(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(8)
    settings: dict[str, Any] = {"number_of_resets": 2, "is_continuous": True, "number_of_trials": 3}
    compiled, plain = referee(64, **settings), referee(64, **settings)
    for _ in range(20):
        codes = rng.choice([FINE.code, FINE.code, CRASH.code, OFF.code], 64).astype(np.int8)
        progress, cars = rng.choice([50.0, 100.0], 64), rng.random(64) < 0.8
        one = compiled.judge(progress, codes, cars)
        with monkeypatch.context() as patched:
            patched.setattr(verdicts, "_judge", plain_judge)
            two = plain.judge(progress, codes, cars)
        assert one.block.tolist() == two.block.tolist()
        assert one.is_eventful == two.is_eventful
    assert compiled.counts.block.tolist() == plain.counts.block.tolist()
