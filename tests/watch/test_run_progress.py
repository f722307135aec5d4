from __future__ import annotations

from dataclasses import replace

import pytest

from drcli.store.run_status import RunStatus
from drcli.watch.run_progress import Chronicle, format_duration, format_outcome, format_status_line

STATUS = RunStatus(
    state="training",
    prefix="mine",
    world_name="drcli_oval",
    run_id=0,
    seed=7,
    started_at=1000.0,
    updated_at=1042.0,
    workers=1,
    iteration=3,
    episodes=12,
    steps=12288,
    steps_per_s=292.4,
    real_time_factor=19.5,
    last_checkpoint="3_Step-12288.ckpt",
    best_checkpoint="2_Step-8192.ckpt",
)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (59.4, "59 s"), (59.6, "1 min 00 s"), (185, "3 min 05 s"), (7620, "2 h 07 min")],
)
def test_durations(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


def test_the_status_line_says_what_is_known() -> None:
    assert format_status_line(STATUS) == "iteration 3 · 12,288 steps · 292 steps/s · 12 episodes"
    known = replace(STATUS, reward=3.14, evaluation_progress=87.6)
    assert format_status_line(known).endswith(" · reward 3.1 · evaluation 88 %")


def test_the_outcome_says_how_long_how_fast_how_good() -> None:
    ended = replace(STATUS, state="ended", stop_reason="stopped on request")
    text = format_outcome(ended)
    assert "after 42 s: stopped on request." in text
    assert "12,288 steps in 3 iterations and 12 episodes, 292 steps/s: 19.5 times real time." in text
    assert text.endswith("The model has not been evaluated yet; last checkpoint 3_Step-12288.ckpt.")
    good = format_outcome(replace(ended, evaluations=2, evaluation_progress=100.0))
    assert "drives 100 % of a lap on drcli_oval (last of 2 evaluations)" in good
    assert "best 2_Step-8192.ckpt, last 3_Step-12288.ckpt" in good


def test_each_thing_is_said_once() -> None:
    chronicle = Chronicle()
    assert list(chronicle.news(replace(STATUS, state="starting"))) == []
    (begin,) = chronicle.news(replace(STATUS, workers=2))
    assert begin == "Training mine on drcli_oval with 2 workers, seed 7."
    assert list(chronicle.news(replace(STATUS, iteration=4))) == []
    evaluated = replace(STATUS, evaluations=1, evaluation_progress=40.0)
    (line,) = chronicle.news(evaluated)
    assert "evaluation 40 %" in line and "best 2_Step-8192.ckpt" in line
    assert list(chronicle.news(evaluated)) == []
    both = replace(evaluated, state="ended", evaluations=2, evaluation_progress=55.0)
    (last,) = chronicle.news(both)
    assert "evaluation 55 %" in last


def test_a_run_that_is_over_at_the_first_look_is_told_all_the_same() -> None:
    lines = list(Chronicle().news(replace(STATUS, state="ended", evaluations=1, evaluation_progress=100.0)))
    assert len(lines) == 1
    assert "evaluation 100 %" in lines[0]


def test_a_teacher_and_its_student_are_told_of() -> None:
    teacher = replace(STATUS, phase="teacher", teacher_steps=8704)
    assert format_status_line(teacher) == "the teacher learns to drive · 8,704 steps without pictures"
    chronicle = Chronicle()
    list(chronicle.news(teacher))
    passed = replace(teacher, phase="student", teacher="5 of 5 laps, 15 of 15 from perturbed starts: passed")
    (line,) = chronicle.news(passed)
    assert line.endswith(
        "teacher, 8,704 steps without pictures: 5 of 5 laps, 15 of 15 from perturbed starts: passed"
    )
    assert list(chronicle.news(passed)) == []
    marks = "1 of 5 laps, not all from perturbed starts"
    judged = replace(passed, evaluations=1, evaluation_progress=40.0, student=marks)
    _, line = chronicle.news(judged)
    assert line.strip() == f"student: {marks}"
    assert list(chronicle.news(judged)) == []
