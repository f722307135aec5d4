"""The command of a job as a machine runs it: words after `dr`, also for going on and for stopping. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from drcli.cloud.cloud_job import CloudJob
from drcli.cloud.machine_settings import allowed_overrides

TRAINING = "start-training"
_SWEEPS = {"sweep", "tune"}
_WIPES, _YES, _RESUMES = {"-w", "--wipe"}, {"-y", "--yes"}, "--resume"
_RETURNS_EARLY = {"-q", "--quiet"}  # the machine ends with its command
# Command → how its run is stopped in good order. Others are ended by a signal.
_STOPS = {
    TRAINING: ("stop-training",),
    "evaluate": ("stop-evaluation",),
    "race": ("stop-evaluation",),
    "sweep": ("sweep", "stop"),
    "tune": ("sweep", "stop"),
}
_WITH_OVERRIDES = {"stop-training", "stop-evaluation"}


@dataclass(frozen=True)
class ModelState:
    """What is under the model prefix before a start.

    has_run: an earlier machine, or an earlier start, has run this job; is_empty: there is nothing; checkpoints:
    of ours; foreign: there is a model of another engine.
    """

    has_run: bool
    is_empty: bool
    checkpoints: int
    foreign: bool = False


def command_name(job: CloudJob) -> str:
    """The command itself, without options before it."""
    return next((word for word in job.command if not word.startswith("-")), "")


def is_training(job: CloudJob) -> bool:
    """Whether the job is one training."""
    return command_name(job) == TRAINING


def is_sweep(job: CloudJob) -> bool:
    """Whether the job is a sweep or a search, which continue by themselves from what they have noted."""
    return command_name(job) in _SWEEPS


def wipes(job: CloudJob) -> bool:
    """Whether the job is to delete what an earlier one has left."""
    return bool(_WIPES & set(job.command))


def start_words(job: CloudJob, model: ModelState) -> tuple[str, ...]:
    """The words after `dr` that start the job's run, or continue it; a training from its last checkpoint.

    What an earlier machine has trained is never deleted. What it left without a checkpoint is worth nothing and
    would stop a new start: that is.
    """
    words = tuple(word for word in job.command if word not in _RETURNS_EARLY)
    if is_training(job):
        plain = tuple(word for word in words if word not in _WIPES | {_RESUMES})
        if wipes(job) and not (model.has_run or job.resume):
            words = (*plain, "-w", "-y")
        elif model.checkpoints:
            words = (*plain, _RESUMES)
        elif (model.has_run or job.resume) and not (model.is_empty or model.foreign):
            words = (*plain, "-w", "-y")
        else:
            words = plain
    elif is_sweep(job) and wipes(job):
        plain = tuple(word for word in words if word not in _WIPES | _YES)
        words = plain if model.has_run or job.resume else (*plain, "-w", "-y")
    return (*_experiment(job), *words, *_overrides(job))


def stop_words(job: CloudJob) -> tuple[str, ...]:
    """The words after `dr` that stop the job's run in good order; empty if a signal is all that there is."""
    words = _STOPS.get(command_name(job), ())
    if not words:
        return ()
    return (*_experiment(job), *words, *(_overrides(job) if words[0] in _WITH_OVERRIDES else ()))


def _experiment(job: CloudJob) -> tuple[str, ...]:
    return ("-e", job.experiment) if job.experiment else ()


def _overrides(job: CloudJob) -> tuple[str, ...]:
    kept, _ = allowed_overrides(job)
    return tuple(word for text in kept for word in ("--set", text))
