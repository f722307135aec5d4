from __future__ import annotations

from types import SimpleNamespace

import pytest

from drcli.services.trainer.methods import exam_pace
from drcli.services.trainer.methods.exam_pace import ExamPace


def test_after_an_exam_it_rests_in_proportion(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(exam_pace, "time", SimpleNamespace(monotonic=lambda: now))
    pace = ExamPace(rest=2.0)
    assert pace.is_rested
    pace.begin()
    now += 3.0
    pace.end()
    now += 5.9
    assert not pace.is_rested
    now += 0.2
    assert pace.is_rested
