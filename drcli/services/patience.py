"""Waiting for a store that is away: a service that starts then is no worse off than one that runs."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol, TypeVar

from drcli.errors import DrError
from drcli.services import log
from drcli.store.client import Bucket

PATIENCE_S = 180.0  # as long as the trainer waits to write
PAUSE_S = 2.0
_PROBE = "drcli-probe"
_Result = TypeVar("_Result")


class Stop(Protocol):
    """A stop request, see `drcli.services.program.StopFlag`."""

    @property
    def is_set(self) -> bool:
        """Whether it was made."""


def patiently(action: Callable[[], _Result], bucket: Bucket, stop: Stop) -> _Result:
    """What `action` finds in the bucket, or does there; it is tried again while the store is away.

    Raises:
        DrError: of `action`, when the store is not the reason, or stays away, or a stop is requested.
    """
    deadline, faults = time.monotonic() + PATIENCE_S, 0
    while True:
        try:
            return action()
        except DrError as error:
            if _answers(bucket):
                faults += 1  # it may have come back just now, so the first one does not count
                if faults == 2:
                    raise
                continue
            if stop.is_set or time.monotonic() > deadline:
                raise
            log.line(f"The store is away, next try in {PAUSE_S:g} s: {error.message}")
            time.sleep(PAUSE_S)


def _answers(bucket: Bucket) -> bool:
    try:
        bucket.find(_PROBE)
    except DrError:
        return False
    return True
