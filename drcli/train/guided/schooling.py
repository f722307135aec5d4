"""How long and how closely a student is taught: by how much there is to see."""

from __future__ import annotations

from typing import NamedTuple

from drcli.train.guided.teacher import SEES
from drcli.train.model import ModelSpec


class Schooling(NamedTuple):
    """The usual one is that of a student that sees the same road in every picture.

    whole_rate_for: how many samples the learning rate does not fall for. It then falls like 1/x, but not below a share:
        a student at full rate learns fastest, and forgets laps again that it could drive.
    told_nats: a teacher that has just passed may still choose almost evenly, with the right action only a little ahead;
        its labels are sharpened until, on average, the choice tells that much about the picture.
    largest_batch: of one gradient step.
    first_judgement: after so many samples.
    too_blind: a student that is that far from its teacher, in the mean of its last `blind_for` iterations, would fail:
        it is not judged.
    teacher_learns_on_from: after so many samples the teacher has one iteration for every two of the student's, which
        then take less than half of the time.
    keeps_embedders: the convolutions that come with the package stay as they are, which takes half of the time.
    """

    whole_rate_for: int = 320
    told_nats: float = 0.3
    largest_batch: int = 1 << 30
    first_judgement: int = 384
    too_blind: float = 0.85
    blind_for: int = 2
    teacher_learns_on_from: int = 512
    keeps_embedders: bool = False


USUAL = Schooling()


def schooling_for(teacher: ModelSpec, is_randomised: bool) -> Schooling:
    """How the student of a teacher is taught.

    With three boxes on the road a student whose rate did not fall drove 10 of 10 laps after 2,560 samples, at the usual
    rate 7 of 10. What randomised pictures need was measured on reinvent_base (docs/sim-to-real.md).
    """
    sees_objects = len(teacher.sensors) > len(SEES)
    if is_randomised:
        return Schooling(
            whole_rate_for=3200,
            told_nats=0.8,
            largest_batch=16,
            first_judgement=2048,
            too_blind=0.25,
            blind_for=8,
            teacher_learns_on_from=6400,
            keeps_embedders=not sees_objects,  # they have never seen one
        )
    if sees_objects:
        return Schooling(whole_rate_for=3200)
    return USUAL
