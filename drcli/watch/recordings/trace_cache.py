"""Traces that have been read: a running viewer looks at the same files again and again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

from drcli.watch.recordings.recorded_episode import RecordedEpisode

Key = tuple[str, str, str]  # address of the recording, name and version of the file
_MOST_STEPS = 3_000_000  # about 0.5 GB


class TraceCache:
    """The episodes of the files that were used last, at most so many steps. Thread-safe."""

    def __init__(self, most_steps: int = _MOST_STEPS) -> None:
        self._most_steps = most_steps
        self._files: OrderedDict[Key, tuple[RecordedEpisode, ...]] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Key, read: Callable[[], tuple[RecordedEpisode, ...]]) -> tuple[RecordedEpisode, ...]:
        """The episodes of a file, which are read unless they are known."""
        with self._lock:
            if key in self._files:
                self._files.move_to_end(key)
                return self._files[key]
        episodes = read()
        with self._lock:
            self._files[key] = episodes
            left = self._most_steps - sum(map(_steps, self._files.values()))
            while left < 0 and len(self._files) > 1:
                left += _steps(self._files.popitem(last=False)[1])
        return episodes


def _steps(episodes: tuple[RecordedEpisode, ...]) -> int:
    return sum(len(episode.rows) for episode in episodes)
