"""The studies of `dr reward`: a function checked on driven states, and laps ranked by what they earn."""

from __future__ import annotations

import os
from pathlib import Path

from drcli.errors import DrError
from drcli.import_checks import reward_source, reward_trials
from drcli.import_checks.findings import ImportFault
from drcli.import_checks.track_rules import Route
from drcli.launch.bucket import open_bucket
from drcli.rewards.car_states import driven_calls
from drcli.rewards.drives import Drive, drive_courses
from drcli.rewards.ranking import Ranking
from drcli.rewards.recorded_drives import Trace, recorded_drives, traces_in, traces_under
from drcli.rewards.reference_courses import SLOWEST_MPS, is_daring, lapse_of, reference_courses
from drcli.rewards.reward_check import RewardReport, check_reward
from drcli.rewards.reward_field import Manner, reward_field
from drcli.rewards.subject import Subject


def check(subject: Subject) -> RewardReport:
    """Call the function on states of the track, with actions of the model if it is known."""
    speed_mps = max(SLOWEST_MPS, 0.6 * subject.max_speed_mps)
    episodes = driven_calls(subject.track, speed_mps, subject.metadata, subject.race)
    return check_reward(subject.text, subject.name, episodes)


def refused_by_aws(subject: Subject) -> list[ImportFault]:
    """Why DeepRacer on AWS would refuse the function; its own text first, as its validation does."""
    found = [*reward_source.check_source(subject.source)]
    return found or [*reward_trials.check_calls(subject.source, Route(subject.track))]


def rank(subject: Subject, traces: str | None = None, most: int = 40) -> Ranking:
    """Drive the reference laps, pay recorded ones again if there are `traces`, and rank them all.

    Args:
        traces: a file or folder, or a model's prefix in the workspace's bucket.
        most: of recorded laps.

    Raises:
        DrError: the function fails, or traces were not found or are those of another track.
    """
    found = _traces(subject, traces)
    drives = _reference(subject)
    if found:
        reward = subject.function(lambda line: None)
        drives += recorded_drives(found, subject.track, reward, most, subject.race)
    return Ranking.of(drives, subject.discount)


def draw(subject: Subject, manner: Manner, path: Path) -> tuple[float, float]:
    """Draw what the function pays all over the track to a PNG file; returns the lowest and the highest reward.

    Raises:
        DrError: the function fails, or the file cannot be written.
    """
    from drcli.watch.picture import draw_values

    field = reward_field(subject.track, subject.function(lambda line: None), manner, subject.race)
    title = f"{subject.path.name} at {manner.speed_mps:g} m/s, steering {manner.steering_deg:g}°"
    if manner.heading_error_deg:
        title += f", turned by {manner.heading_error_deg:g}°"
    draw_values(subject.track, field.places, field.rewards, (title, "reward of a step"), path)
    return float(field.rewards.min()), float(field.rewards.max())


def _reference(subject: Subject) -> list[Drive]:
    courses = reference_courses(subject.track, subject.max_speed_mps, subject.race)
    reward = subject.function(
        lambda line: None, processes=subject.settings.reward_processes or os.cpu_count() or 1
    )
    daring = [*filter(is_daring, courses)]
    return drive_courses(subject.track, courses, reward, daring, subject.race, lapse_of)


def _traces(subject: Subject, traces: str | None) -> list[Trace]:
    if traces is None:
        return []
    path = Path(traces).expanduser()
    if path.exists():
        return traces_in(path)
    if subject.workspace is None:
        raise DrError(f"{traces} was not found.", "A prefix of the bucket needs a workspace.")
    return traces_under(open_bucket(subject.settings, subject.workspace), traces)
