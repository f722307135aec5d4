"""The newest state of the worker, kept up to date while somebody wants it."""

from __future__ import annotations

import threading
import time
from contextlib import suppress

from drcli.contract.live_state import LiveState
from drcli.watch.cameras.feed_socket import FeedReceiver
from drcli.watch.cameras.race_looks import RaceLooks

_LINGER_S = 2.0  # of the subscription after the last question
_POLL_S = 0.25


class LiveStates:
    """A thread that listens to the worker's feed. `number` grows with each state."""

    def __init__(self, endpoint: str, key: str, looks: RaceLooks) -> None:
        self._endpoint, self._key, self._looks = endpoint, key, looks
        self._wanted = 0.0
        self._newest: tuple[int, LiveState | None] = (0, None)
        threading.Thread(target=self._run, name="feed", daemon=True).start()

    def newest(self) -> tuple[int, LiveState | None]:
        """The number of the newest state and the state; it is wanted for the next seconds, too."""
        self._wanted = time.monotonic()
        return self._newest

    def _run(self) -> None:
        receiver = FeedReceiver(self._endpoint, self._key)
        while True:
            receiver.listen(time.monotonic() - self._wanted < _LINGER_S)
            message = receiver.newest(_POLL_S)
            if message is not None:
                with suppress(ValueError):
                    state = self._looks.dress(LiveState.unpack(message))
                    self._newest = self._newest[0] + 1, state
