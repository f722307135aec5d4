"""`P/metrics/learning.jsonl`: how a training went, point by point. A line of JSON for each iteration of the model, each
lesson of its teacher and each evaluation; written by the trainer, read by everything that draws curves.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field

from drcli.contract.keys import ModelKeys
from drcli.errors import DrError
from drcli.store.client import Bucket


@dataclass(frozen=True)
class LearningPoint:
    """An iteration of the model, or with phase `teacher` a lesson of its teacher.

    phase: who learned, `pixels`, `teacher` or `student`; iteration: of the model; steps: of who learned, so far;
    at: seconds since the epoch; reward, progress: means of the episodes that ended in it, None if none did;
    progress in %; stats: of the last epoch of learning, such as `entropy`, `value_loss`, `kl_divergence`.
    """

    phase: str
    iteration: int
    steps: int
    episodes: int
    at: float
    reward: float | None = None
    progress: float | None = None
    steps_per_s: float | None = None
    stats: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class EvaluationPoint:
    """An evaluation of a checkpoint. progress: mean of the trials in %; laps_s: seconds of each complete lap."""

    checkpoint: str
    best_checkpoint: str
    iteration: int
    steps: int
    at: float
    trials: int
    progress: float
    reward: float
    laps_s: tuple[float, ...] = ()


@dataclass
class LearningCurve:
    """All points in the order in which they were written."""

    points: list[LearningPoint] = field(default_factory=list)
    evaluations: list[EvaluationPoint] = field(default_factory=list)

    def truncate(self, iteration: int, teacher_steps: int) -> None:
        """Drop what came after a checkpoint, where a run resumes."""
        self.points = [
            point
            for point in self.points
            if point.iteration <= iteration and (point.phase != "teacher" or point.steps <= teacher_steps)
        ]
        self.evaluations = [each for each in self.evaluations if each.iteration <= iteration]

    def to_jsonl(self) -> bytes:
        """The document."""
        rows: Iterable[LearningPoint | EvaluationPoint] = sorted(
            (*self.points, *self.evaluations), key=lambda row: row.at
        )
        return "".join(json.dumps(asdict(row)) + "\n" for row in rows).encode()

    @classmethod
    def from_jsonl(cls, data: bytes, where: str = "learning.jsonl") -> LearningCurve:
        """The inverse. Raises DrError, which names `where` and the line, if it is broken."""
        curve = cls()
        for number, line in enumerate(data.splitlines(), start=1):
            try:
                values = json.loads(line)
                if "checkpoint" in values:
                    laps_s = tuple(values.pop("laps_s", ()))
                    curve.evaluations.append(EvaluationPoint(**values, laps_s=laps_s))
                else:
                    curve.points.append(LearningPoint(**values))
            except (ValueError, TypeError) as error:
                raise DrError(f"{where}:{number} is broken: {error}.") from error
        return curve


def read_curve(bucket: Bucket, prefix: str) -> LearningCurve:
    """The curve of the model under `prefix`; empty if there is none, as for models of other engines."""
    key = ModelKeys(prefix).learning_curve
    return LearningCurve.from_jsonl(bucket.find(key) or b"", key)
