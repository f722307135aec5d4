"""The counters of a training run: stored in every checkpoint, so that a stopped run can resume."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field

from drcli.contract.checkpoint_names import CheckpointName


@dataclass
class Counters:
    """Counters of one run, kept by the trainer.

    base: number of the first checkpoint (0, or that of the pretrained model plus one); iteration, steps:
    done since then; episodes: training episodes recorded, by worker index; groups: how many of them go into
    each trace file, for the whole life of the run; seed of the run; workers: with how many it began, which
    decides for good where traces are (0: not known, as in the checkpoints of older versions); phase: who learns,
    "pixels", "teacher" or "student"; teacher_steps, teacher_episodes: of guided training, not in the others.
    """

    seed: int
    base: int = 0
    iteration: int = 0
    steps: int = 0
    episodes: dict[int, int] = field(default_factory=dict)
    groups: dict[int, int] = field(default_factory=dict)
    workers: int = 0
    phase: str = ""
    teacher_steps: int = 0
    teacher_episodes: int = 0

    @property
    def total_episodes(self) -> int:
        """Training episodes of all workers."""
        return sum(self.episodes.values())

    @property
    def checkpoint(self) -> CheckpointName:
        """The name of a checkpoint made now."""
        return CheckpointName(self.base + self.iteration, self.steps)

    def count_episode(self, worker: int) -> None:
        """Count a training episode of one worker."""
        self.episodes[worker] = self.episodes.get(worker, 0) + 1

    def as_state(self) -> dict[str, object]:
        """A copy as plain values, for a checkpoint."""
        return asdict(self)

    @classmethod
    def from_state(cls, state: dict[str, object]) -> Counters:
        """Restore them from a checkpoint of this run."""
        plain = json.loads(json.dumps(state))
        for name in ("episodes", "groups"):  # JSON keys are strings
            plain[name] = {int(worker): count for worker, count in plain.get(name, {}).items()}
        return cls(**plain)
