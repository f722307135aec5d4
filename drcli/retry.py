"""Retries, in one place, for errors that may resolve themselves, such as an unreachable store."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_delay

from drcli.errors import DrError

Result = TypeVar("Result")


def keep_trying(
    action: Callable[[], Result],
    *,
    patience_s: float,
    pause_s: Callable[[int], float],
    is_worth_it: Callable[[DrError], bool] = lambda error: True,
    report: Callable[[DrError, float], None] = lambda error, pause_s: None,
) -> Result:
    """Return the result of `action`; retry after a DrError, for `patience_s` in total.

    pause_s: the pause after a number of attempts (1, 2, …); is_worth_it: called after each failure, False ends the
    retries; report: called with the failure and the pause before each further attempt.

    Raises:
        DrError: of the last attempt, unchanged. Other exceptions of `action` are raised immediately.
    """

    def is_to_be_tried_again(error: BaseException) -> bool:
        return isinstance(error, DrError) and is_worth_it(error)

    def before_pause(state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, DrError):
            report(error, state.upcoming_sleep)

    return Retrying(
        retry=retry_if_exception(is_to_be_tried_again),
        stop=stop_after_delay(patience_s),
        wait=lambda state: pause_s(state.attempt_number),
        before_sleep=before_pause,
        reraise=True,
    )(action)
