"""Exams: what is driven from which start, when it is broken off, and how a teacher is dazzled."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from drcli.config.hyperparameters import Hyperparameters
from drcli.config.race_settings import RaceSettings
from drcli.contract.episode import Episode, Status
from drcli.services.shared.protocol import POLICY, Evaluate, Evaluated
from drcli.services.shared.seats import Seat
from drcli.services.worker.course import Course
from drcli.services.worker.exam import Dazzled, Exam
from drcli.sim.reward import RewardFunction
from drcli.sim.track import Track
from drcli.train.algorithms.ppo import ClippedPPO
from drcli.train.guided.teacher import teacher_model
from drcli.train.hardware import Hardware
from drcli.train.model import ModelSpec
from drcli.train.network import weights_of
from drcli.train.rollout import Decision

USUAL, PERTURBED = 3, 8
REWARD = "def reward_function(params):\n    return 1.0\n"

NewExam = Callable[..., Exam]


@pytest.fixture
def new_exam(new_driver: Callable[..., Any], track: Track, model: ModelSpec) -> NewExam:
    """Makes exams of a policy that does not know how to drive, on a number of tracks."""

    def make(perturbed: int = PERTURBED, usual: int = USUAL, tracks: int = 1, **parts: int) -> Exam:
        task = Evaluate(5, "p", usual, perturbed=perturbed, **parts)
        course = Course((track,) * tracks, RaceSettings(), RewardFunction(REWARD, "reward.py"))
        driver = new_driver(1)
        driver.world = course.exam(Seat(POLICY, model, ClippedPPO), task)  # type: ignore[arg-type]
        driver._is_evaluation = True
        return Exam(task, driver, course.num_cars(usual))

    return make


def driven(exam: Exam) -> Evaluated:
    while not exam.step():
        pass
    return exam.result


def ends(episodes: tuple[Episode, ...]) -> list[tuple[float, float, Status]]:
    return sorted((e.start_ndist, e.progress, e.status) for e in episodes)


def starts(episodes: tuple[Episode, ...]) -> list[float]:
    return sorted(episode.start_ndist for episode in episodes)


def test_usual_episodes_start_all_round_the_track_and_are_told_from_perturbed_ones(new_exam: NewExam) -> None:
    result = driven(new_exam())
    assert result.assignment == 5
    assert starts(result.episodes) == pytest.approx([k / USUAL for k in range(USUAL)])
    assert {episode.car for episode in result.episodes} == set(range(USUAL))
    assert {episode.car for episode in result.perturbed} <= set(range(USUAL, USUAL + PERTURBED))
    assert {round(start * PERTURBED, 6) % 1 for start in starts(result.perturbed)} == {0.0}


def test_the_parts_of_an_exam_start_in_different_places(new_exam: NewExam) -> None:
    one, other = (driven(new_exam(part=part, parts=2)) for part in range(2))
    assert not set(starts(one.episodes)) & set(starts(other.episodes))


def test_perturbed_cars_stand_askew_and_the_usual_ones_do_not(new_exam: NewExam) -> None:
    exam = new_exam()
    straight, askew = (
        world.telemetry.distance_from_center_m
        for world in exam._driver.world.worlds  # type: ignore[union-attr]
    )
    assert straight.max() < 0.03  # the nose is a little beside the line where the road bends
    assert askew.max() > 0.1


def test_a_failure_breaks_off_the_perturbed_episodes_alone(new_exam: NewExam) -> None:
    mixed, alone = driven(new_exam()), driven(new_exam(perturbed=0))
    assert 1 <= len(mixed.perturbed) < PERTURBED
    assert all(episode.status is not Status.LAP_COMPLETE for episode in mixed.perturbed)
    assert ends(mixed.episodes) == ends(alone.episodes)
    last_s = max(episode.end_time_s for episode in mixed.perturbed)
    assert max(episode.end_time_s for episode in mixed.episodes) > last_s  # they went on alone


def test_an_exam_without_perturbed_starts_is_an_evaluation(new_exam: NewExam) -> None:
    result = driven(new_exam(perturbed=0))
    assert (len(result.episodes), result.perturbed) == (USUAL, ())


@pytest.mark.parametrize("usual", [1, 3])  # one is not enough for two tracks
def test_on_several_tracks_the_usual_ones_are_told_apart_too(new_exam: NewExam, usual: int) -> None:
    result = driven(new_exam(usual=usual, tracks=2))
    assert len(result.episodes) == max(usual, 2)
    assert {episode.car for episode in result.episodes} == set(range(max(usual, 2)))


# Dazzled


class Listener:
    """Keeps what a real actor is shown."""

    def __init__(self, model: ModelSpec) -> None:
        torch.manual_seed(2)
        self._actor = ClippedPPO.actor(
            model, Hyperparameters(), Hardware(torch.device("cpu"), torch.float32), 1
        )
        self._actor.load(weights_of(ClippedPPO.network(model), torch.float32))
        self.shown: list[Mapping[str, NDArray[Any]]] = []

    def act(self, obs: Mapping[str, NDArray[Any]], greedy: bool = False, step: int = 0) -> Decision:
        self.shown.append(obs)
        return self._actor.act(obs, greedy, step)

    def load(self, weights: Mapping[str, Any]) -> None:
        self._actor.load(weights)


def views(model: ModelSpec, size: int = 500) -> dict[str, NDArray[Any]]:
    rng = np.random.default_rng(1)
    sensors = (*model.sensors, *model.value_sensors)
    return {sensor.name: rng.random((size, *sensor.shape), np.float32) for sensor in sensors}


@pytest.mark.parametrize("noise", [0.03, 0.5])
def test_a_dazzled_actor_sees_everything_with_that_much_noise(model: ModelSpec, noise: float) -> None:
    listener = Listener(teacher_model(model))
    obs = views(teacher_model(model))
    before = {name: part.copy() for name, part in obs.items()}
    decision = Dazzled(listener, noise).act(obs, greedy=True)
    (shown,) = listener.shown
    assert shown.keys() == obs.keys()
    for name, part in obs.items():
        np.testing.assert_array_equal(part, before[name])
        assert (shown[name].dtype, shown[name].shape) == (part.dtype, part.shape)
        gap = shown[name] - part
        assert gap.std() == pytest.approx(noise, rel=0.05)
        assert abs(gap.mean()) < noise / 10
    assert len(decision.actions) == 500


def test_what_dazzles_is_new_in_each_step_and_the_same_in_each_exam(model: ModelSpec) -> None:
    one, other = Listener(teacher_model(model)), Listener(teacher_model(model))
    obs = views(teacher_model(model), 5)
    for listener in (one, other):
        dazzled = Dazzled(listener, 0.1)
        for _ in range(2):
            dazzled.act(obs)
    for name in obs:
        np.testing.assert_array_equal(one.shown[0][name], other.shown[0][name])
        np.testing.assert_array_equal(one.shown[1][name], other.shown[1][name])
        assert not np.array_equal(one.shown[0][name], one.shown[1][name])
