"""What a status says about a run."""

from __future__ import annotations

from dataclasses import replace

from drcli.store.run_status import ON_REQUEST, RunStatus

STATUS = RunStatus("training", "model", "oval", 0, 1, 0.0, 0.0)


def test_a_run_that_was_stopped_is_over_but_not_complete() -> None:
    assert not STATUS.is_over and not STATUS.is_complete
    ended = replace(STATUS, state="ended", stop_reason="10 minutes are over (DR_TRAIN_MAX_MINUTES)")
    assert ended.is_over and ended.is_complete
    stopped = replace(ended, stop_reason=ON_REQUEST)
    assert stopped.is_over and stopped.was_stopped and not stopped.is_complete
    assert replace(STATUS, state="stopped").was_stopped  # in a container
    assert not ended.was_stopped and not STATUS.was_stopped
    assert not replace(STATUS, state="failed").is_complete
