"""Trying again: the one place that does it, for whatever may come back by itself, such as a store."""

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
    """What `action` gives once it succeeds; a DrError is met with another attempt, for `patience_s` in all.

    pause_s: how long to wait after so many attempts (1, 2, …); is_worth_it: asked after each failure, False ends it;
    report: told of the failure and of the pause before each further attempt.

    Raises:
        DrError: of the last attempt, as it was. Everything else that `action` raises comes out at once.
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
