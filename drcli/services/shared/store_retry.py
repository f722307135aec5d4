"""Retrying while the store is unreachable, so that a service can also start during an outage."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from drcli.errors import DrError
from drcli.retry import keep_trying
from drcli.services.shared import service_log
from drcli.store.client import Bucket

PATIENCE_S = 180.0  # as long as the trainer waits to write
PAUSE_S = 2.0
_PROBE = "drcli-probe"
_Result = TypeVar("_Result")


class Stop(Protocol):
    """A stop request, see `drcli.services.shared.program.StopFlag`."""

    @property
    def is_set(self) -> bool:
        """Whether it was made."""


def retry_while_unreachable(action: Callable[[], _Result], bucket: Bucket, stop: Stop) -> _Result:
    """Return the result of `action`, retried while the store is unreachable.

    Raises:
        DrError: of `action`, if the store is not the cause, stays unreachable, or a stop is requested.
    """
    answers: list[bool] = []  # after each failure: whether the store responded

    def is_worth_it(error: DrError) -> bool:
        answers.append(_answers(bucket))
        if answers[-1]:
            return (
                answers.count(True) == 1
            )  # it may have recovered just now, so the first failure does not count
        return not stop.is_set

    def report(error: DrError, pause_s: float) -> None:
        if not answers[-1]:
            service_log.line(f"The store is unreachable, next try in {pause_s:g} s: {error.message}")

    return keep_trying(
        action,
        patience_s=PATIENCE_S,
        pause_s=lambda attempts: 0.0 if answers[-1] else PAUSE_S,
        is_worth_it=is_worth_it,
        report=report,
    )


def _answers(bucket: Bucket) -> bool:
    try:
        bucket.find(_PROBE)
    except DrError:
        return False
    return True
