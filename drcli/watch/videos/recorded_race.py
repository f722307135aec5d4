"""Who took part in a recorded evaluation, and what each of them drove, by the documents beside its trace."""

from __future__ import annotations

from drcli.config.settings import Settings
from drcli.contract.keys import evaluation_trace
from drcli.errors import DrError
from drcli.launch.bucket import open_bucket
from drcli.models.copies import parse_address
from drcli.paths import Workspace
from drcli.tables import RACES
from drcli.watch.cameras.race_looks import RaceLooks
from drcli.watch.recordings.recorded_episode import RecordedEpisode, episodes_in
from drcli.watch.recordings.recording import RecordedEvaluation, Recording
from drcli.watch.recordings.trace_table import read_steps
from drcli.watch.scene import CarLook
from drcli.watch.videos.drive import Drive, FilmedCar, runs_of, trial_labels

_SAME_RACE_S = 10.0  # between the first steps of two cars, by the wall clock
_OBJECTS = "Objects on the road are not in the trace, so they are not in the videos."


def drives_of(
    recording: Recording, evaluation: RecordedEvaluation, at: tuple[Settings, Workspace]
) -> tuple[list[Drive], tuple[str, ...]]:
    """All drives of an evaluation, and what is missing in them.

    at: where the trace of an opponent is looked for.
    """
    everybody, notes = [evaluation.episodes], has_objects(evaluation)
    names = _models(recording, evaluation)
    if len(names) > 1:
        others = [_laps_of(recording, evaluation, name, at) for name in names[1:]]
        notes = tuple(
            f"The trace of {name} was not found."
            for name, laps in zip(names[1:], others, strict=True)
            if not laps
        )
        everybody += [laps for laps in others if laps]
    looks = cars_of(recording, evaluation.name, len(everybody), names)
    trials = max(len(laps) for laps in everybody)
    cars = [_cars(look, laps, trials) for look, laps in zip(looks, everybody, strict=True)]
    races = max(len(each) for each in cars)
    return [Drive(tuple(each[n] for each in cars if n < len(each))) for n in range(races)], notes


def has_objects(evaluation: RecordedEvaluation) -> tuple[str, ...]:
    """What to say if there were objects on the road."""
    if evaluation.race_type is None or evaluation.race_type not in RACES:
        return ()
    race = RACES.load(evaluation.race_type)
    return (_OBJECTS,) if race.cars_per_race == 1 and race.privileged_sensors else ()


def cars_of(
    recording: Recording, evaluation: str, count: int, names: tuple[str, ...] = ()
) -> tuple[CarLook, ...]:
    """What the cars looked like: by the params document of the evaluation, if that of another one has not replaced it,
    else by that of the training; models without either have their own names.
    """
    looks = RaceLooks()
    document = recording.document("evaluation_params.yaml")
    prefixes = document.get("SIMTRACE_S3_PREFIX")
    first = prefixes[0] if isinstance(prefixes, list) and prefixes else prefixes
    if evaluation and str(first).endswith(f"evaluation-{evaluation}"):
        looks = RaceLooks.of(document)
    elif training := recording.document("training_params.yaml"):
        looks = RaceLooks.of(training)
    if not looks.colors and count > 1:
        looks = RaceLooks(looks.names, ("Purple", "Orange"), looks.shells, looks.racers)
    found = [looks.of_place(place) for place in range(count)]
    spare = (*names, *[recording.name] * count)
    return tuple(
        look if look.name else CarLook(spare[place], look.color, look.shell)
        for place, look in enumerate(found)
    )


def _cars(look: CarLook, laps: tuple[RecordedEpisode, ...], trials: int) -> list[FilmedCar]:
    cars, first = [], 1
    for run in runs_of(laps):
        cars.append(FilmedCar(look, run, trial_labels(first, len(run), trials)))
        first += len(run)
    return cars


def _models(recording: Recording, evaluation: RecordedEvaluation) -> tuple[str, ...]:
    """The models of a race of several, that of the recording first; nothing if it drove alone."""
    standings = recording.document(f"evaluation-{evaluation.name}/evaluation.json").get("standings")
    rows = standings if isinstance(standings, list) else []
    return tuple(str(row["model"]) for row in rows if isinstance(row, dict) and "model" in row)


def _laps_of(
    recording: Recording, evaluation: RecordedEvaluation, model: str, at: tuple[Settings, Workspace]
) -> tuple[RecordedEpisode, ...]:
    """What an opponent drove in that race: the trace under its prefix, unless that is of another race."""
    settings, workspace = at
    address = recording.address
    if not address.startswith("s3://") or parse_address(address)[0] != settings.local_s3_bucket:
        return ()
    key = evaluation_trace(model)
    data = open_bucket(settings, workspace).find(key)
    if data is None:
        return ()
    try:
        laps = tuple(episodes_in(read_steps(data, key)))
    except DrError:
        return ()
    if not laps or not evaluation.episodes:
        return ()
    apart_s = laps[0].rows["wall_clock"][0] - evaluation.episodes[0].rows["wall_clock"][0]
    return laps if abs(float(apart_s)) < _SAME_RACE_S else ()
