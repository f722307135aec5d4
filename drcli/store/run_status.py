"""`P/status.json`: the progress of a training run, written by the trainer about once a second, read by `dr status`."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import Literal

from drcli.contract.keys import ModelKeys
from drcli.store.client import Bucket

# stopped: by a signal, in a container; it resumes if Docker restarts the trainer
RunState = Literal["starting", "training", "stopped", "ended", "failed"]
# The stop_reason of a run that was stopped before its end, by a user or as its machine shut down.
ON_REQUEST = "stopped on request"


@dataclass(frozen=True)
class RunStatus:
    """State of a run. Times are seconds since the epoch; progress in %; reward is the mean of recent episodes.

    trained_s: time spent training, from the first step that was learned from, over all starts of its trainer; phase:
    who learns, `pixels`, `teacher` or `student`; teacher_steps: of a guided training; teacher, student: the marks of
    its last exams; max_minutes, max_episodes, max_teacher_steps: limits of the run, None if it has none.
    """

    state: RunState
    prefix: str
    world_name: str
    run_id: int
    seed: int
    started_at: float
    updated_at: float
    workers: int = 0
    iteration: int = 0
    episodes: int = 0
    steps: int = 0
    steps_per_s: float = 0.0
    real_time_factor: float = 0.0
    reward: float | None = None
    training_progress: float | None = None
    evaluations: int = 0
    evaluation_progress: float | None = None
    best_checkpoint: str | None = None
    best_metric: float | None = None
    last_checkpoint: str | None = None
    trained_s: float = 0.0
    phase: str = ""
    teacher_steps: int = 0
    teacher: str = ""
    student: str = ""
    max_minutes: float | None = None
    max_episodes: int | None = None
    max_teacher_steps: int | None = None
    stop_reason: str = ""
    message: str = ""
    hint: str = ""

    @property
    def elapsed_s(self) -> float:
        """Seconds from the start to the last update."""
        return self.updated_at - self.started_at

    @property
    def is_over(self) -> bool:
        """Whether the trainer has finished, successfully or not."""
        return self.state in ("ended", "failed")

    @property
    def is_complete(self) -> bool:
        """Whether the run has reached its own end, and was not stopped before."""
        return self.state == "ended" and self.stop_reason != ON_REQUEST

    @property
    def was_stopped(self) -> bool:
        """Whether somebody, or a machine that shuts down, has stopped the run before its own end."""
        return self.state == "stopped" or (self.state == "ended" and not self.is_complete)

    def to_json(self) -> bytes:
        """As the document in the bucket."""
        return json.dumps(asdict(self), indent=2).encode()

    @classmethod
    def from_json(cls, data: bytes) -> RunStatus:
        """From the document; keys of a newer version are ignored."""
        known = {field.name for field in fields(cls)}
        return cls(**{key: value for key, value in json.loads(data).items() if key in known})


def read_status(bucket: Bucket, prefix: str) -> RunStatus | None:
    """The status of the run that writes to `prefix`; None if there is none yet."""
    data = bucket.find(ModelKeys(prefix).status)
    return RunStatus.from_json(data) if data is not None else None
