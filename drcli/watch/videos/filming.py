"""Films drives: several videos at once, each painted and compressed in threads of its own."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Event

from drcli.sim.track import Track
from drcli.watch.pictures.painter import Painter
from drcli.watch.videos.drive import Moment
from drcli.watch.videos.shots import HEIGHT_PX, WIDTH_PX, Picture, shoot
from drcli.watch.videos.video_writer import VideoWriter

Tell = Callable[[int, int], None]  # frames that are done, and of how many
_AHEAD = 6  # frames that are painted before they are compressed, for each video
_TOLD_EVERY_S = 0.2


@dataclass(frozen=True)
class Take:
    """A video to be made: a view of moments, in a file."""

    view: str
    moments: Sequence[Moment]
    path: Path

    @property
    def part(self) -> Path:
        """Where it is until it is complete."""
        return self.path.with_suffix(".part")


def film(track: Track, takes: Sequence[Take], tell: Tell) -> None:
    """Make all videos, or none if one fails or somebody presses Ctrl-C; older ones are replaced.

    tell: called several times a second, by the caller's own thread.

    Raises:
        DrError: a file cannot be written.
    """
    cores = os.cpu_count() or 1
    painter, stop, done = Painter(track), Event(), _Counter()
    total = sum(len(take.moments) for take in takes)
    with ThreadPoolExecutor(cores) as painters, ThreadPoolExecutor(len(takes)) as writers:
        studio = _Studio(painter, painters, stop, done, max(1, cores // len(takes)))
        running = [writers.submit(studio.make, take) for take in takes]
        try:
            while wait(running, _TOLD_EVERY_S).not_done:
                tell(done.count, total)
                if any(each.done() and each.exception() for each in running):
                    break
            for each in running:
                if each.done():
                    each.result()
            tell(total, total)
        except BaseException:
            stop.set()
            wait(running)
            for take in takes:
                with suppress(OSError):  # it may not have been begun
                    take.part.unlink()
            raise
    for take in takes:
        take.part.replace(take.path)


class _Counter:
    """Frames that are done; a number of each video, as threads count."""

    def __init__(self) -> None:
        self._of: dict[Path, int] = {}

    def add(self, path: Path) -> None:
        self._of[path] = self._of.get(path, 0) + 1

    @property
    def count(self) -> int:
        return sum(list(self._of.values()))


@dataclass(frozen=True)
class _Studio:
    """What all takes share."""

    painter: Painter
    painters: ThreadPoolExecutor
    stop: Event
    done: _Counter
    threads: int

    def make(self, take: Take) -> None:
        with (
            VideoWriter(take.part, WIDTH_PX, HEIGHT_PX, self.threads) as writer,
            closing(self._painted(take)) as pictures,
        ):
            for picture in pictures:
                writer.add(picture)
                self.done.add(take.path)

    def _painted(self, take: Take) -> Generator[Picture]:
        """The frames in their order; the next ones are painted meanwhile."""
        waiting: deque[Future[Picture]] = deque()
        paint = partial(shoot, self.painter, take.view)
        try:
            for moment in take.moments:
                if self.stop.is_set():
                    raise _Stopped
                waiting.append(self.painters.submit(paint, moment))
                if len(waiting) >= _AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for each in waiting:
                each.cancel()


class _Stopped(Exception):
    """Another video has failed, or somebody does not want to wait."""
