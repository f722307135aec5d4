"""The observer behind DR_EVAL_SAVE_MP4: videos of an evaluation under the MP4 prefix of each model.

While it is driven, only the places of objects are noted, as everything else is in the trace. The videos are made when
the results are in the bucket, and before the service says that it is complete. Without the setting it does nothing.
"""

from __future__ import annotations

import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from drcli.config.run_params import EvaluationParams
from drcli.contract.episode import Episode
from drcli.contract.keys import join
from drcli.contract.service_variables import Role
from drcli.errors import DrError
from drcli.services.observers.observer import DrivenStep, ObservedRun, Observer, RunEnd
from drcli.services.shared import service_log
from drcli.services.shared.heartbeat import Heartbeat
from drcli.services.shared.run_track import load_run_track
from drcli.tables import RACES

if TYPE_CHECKING:  # the trainer does not need the simulator
    from drcli.watch.videos.box_trail import BoxTrail
    from drcli.watch.videos.drive import Drive


class EvaluationVideos(Observer):
    """Films the trials of an evaluation; of a race of several models for each of them."""

    roles: ClassVar[frozenset[Role]] = frozenset(("evaluation",))

    def __init__(self, run: ObservedRun) -> None:
        super().__init__(run)
        self._cars: Sequence[EvaluationParams] = ()
        self._document = ""
        self._episodes: list[Episode] = []
        self._trails: dict[int, BoxTrail] = {}
        try:
            self._document = run.bucket.get(run.keys.params(run.environment.params_file)).decode()
            race_type = EvaluationParams.parse(self._document).race.race_type
            self._cars = EvaluationParams.parse_cars(self._document, RACES.load(race_type).cars_per_race)
        except DrError as error:  # what is wrong with it, the evaluation says
            service_log.line(f"There will be no videos: {error.message}")

    @property
    def _is_wanted(self) -> bool:
        return any(car.videos_prefix for car in self._cars)

    def on_step(self, step: DrivenStep) -> None:
        """Note where the objects on the road are."""
        if not self._is_wanted or len(self._cars) > 1:  # cars that meet are each other's objects
            return
        from drcli.watch.videos.box_trail import BoxTrail
        from drcli.watch.world_places import boxes_around, place_of

        for car in step.cars.tolist():
            if step.world.active[car]:
                world, k = place_of(step.world, car)
                clock_s = float(world.referee.counts.clock_s[k])
                self._trails.setdefault(car, BoxTrail()).add(clock_s, boxes_around(world, k))

    def on_episode(self, worker: int, episode: Episode) -> None:
        """Keep it for the videos."""
        if self._is_wanted:
            self._episodes.append(episode)

    def on_end(self, end: RunEnd) -> None:
        """Make the videos and upload them, if the evaluation was driven to its end."""
        if not self._is_wanted or end.state != "ended" or not self._episodes:
            return
        began = time.monotonic()
        service_log.line("Making the videos.")
        try:
            keys = self._make()
        except Exception as error:  # noqa: BLE001 - results are more important than pictures of them
            reason = error.message if isinstance(error, DrError) else f"{type(error).__name__}: {error}"
            service_log.line(f"There are no videos: {reason}")
            return
        for key in keys:
            service_log.line(f"Video: s3://{self.run.bucket.config.bucket}/{key}")
        service_log.line(f"The videos took {time.monotonic() - began:.1f} s.")

    def _make(self) -> list[str]:
        """Their keys. Each is uploaded when all are complete."""
        from drcli.watch.videos.drive import moments
        from drcli.watch.videos.filming import Take, film
        from drcli.watch.videos.shots import FOLDERS, video_name

        heartbeat, drives = Heartbeat.of_service(), self._drives()
        track = load_run_track(self.run.world_name, self.run.environment)
        with tempfile.TemporaryDirectory(prefix="drcli-videos-") as folder:
            takes, keys = [], []
            for place, car in enumerate(self._cars):
                if car.videos_prefix:
                    frames = tuple(moments(drives, place))
                    for view in FOLDERS:
                        name = video_name(view)
                        takes.append(Take(view, frames, Path(folder, str(place), name)))
                        keys.append(join(car.videos_prefix, name))
            film(track, takes, heartbeat.beat)
            for take, key in zip(takes, keys, strict=True):
                self.run.bucket.upload_file(take.path, key)
                heartbeat.beat()
        return keys

    def _drives(self) -> list[Drive]:
        """One for each trial that was driven side by side with others, or for each pair; else one altogether."""
        from drcli.watch.cameras.race_looks import RaceLooks
        from drcli.watch.recordings.recorded_episode import episodes_in
        from drcli.watch.recordings.trace_table import steps_of
        from drcli.watch.videos.box_trail import BoxTrail
        from drcli.watch.videos.drive import Drive, FilmedCar, trial_labels

        looks, count = RaceLooks.of_document(self._document), len(self._cars)
        trials = self._cars[0].race.number_of_trials

        def filmed(episode: Episode, number: int) -> FilmedCar:
            laps = tuple(episodes_in(steps_of(episode.rows)))
            labels = trial_labels(number, len(laps), trials)
            return FilmedCar(looks.of_place(episode.car % count), laps, labels)

        races: dict[int, list[Episode]] = defaultdict(list)
        for episode in sorted(self._episodes, key=lambda episode: episode.car):
            races[episode.car // count].append(episode)
        return [
            Drive(
                tuple(filmed(episode, number) for episode in race),
                self._trails.get(race[0].car, BoxTrail()),
            )
            for number, race in enumerate(races.values(), start=1)
        ]
