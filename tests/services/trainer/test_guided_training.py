"""Guided training as a whole: teacher and student to their end, services that are killed, teachers that fail.

On a circle, where a teacher passes in its first exams.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import torch
from polling import until
from run_records import check

from drcli.config.model_metadata import ModelMetadata
from drcli.contract.checkpoint_names import CheckpointName
from drcli.services.shared.counters import Counters
from drcli.services.trainer.methods.guided import JUDGE_ANYWAY_AFTER
from drcli.services.trainer.methods.teaching import SLOW_REWARD_MS
from drcli.store.checkpoints import read_checkpoint, read_index
from drcli.store.metrics import TrainingMetrics
from drcli.store.run_status import read_status
from drcli.train.actor_critic import restored_actor_critic
from drcli.train.checkpoint import Checkpoint, unpack
from drcli.train.guided.camera_embedder import has_camera_embedder
from drcli.train.guided.schooling import USUAL
from drcli.train.model import ModelSpec

pytestmark = pytest.mark.slow

PUNISHING = "def reward_function(params):\n    return -1.0\n"
SLOW = """
def reward_function(params):
    for _ in range(50_000):
        pass
    return 1.0
"""
POLICY, VALUE_HEAD = "/network_1/", "v_values_head"
NewRun = Callable[..., Any]


def started(run: Any) -> tuple[Any, list[Any]]:
    """Trainer and workers as processes."""
    return run.start("train"), [run.start("work", index) for index in range(run.workers)]


def ended(*services: Any) -> None:
    assert {service.wait() for service in services} == {0}


def last_checkpoint(run: Any) -> tuple[CheckpointName, Checkpoint]:
    name, files = read_checkpoint(run.bucket, run.keys)
    return name, unpack(files["safetensors"], str(name))


def checkpoint(run: Any, name: CheckpointName) -> Checkpoint:
    return unpack(run.bucket.get(run.keys.checkpoint(str(name))), str(name))


def counters_of(found: Checkpoint) -> Counters:
    return Counters.from_state(found.counters)


def has_passed(best_marks: torch.Tensor) -> bool:
    """Of a teacher, in a checkpoint."""
    laps, trials, _, failed, *_ = best_marks.tolist()
    return bool(laps == trials and not failed)


def changed(one: Checkpoint, other: Checkpoint) -> set[str]:
    """Names of the variables that differ."""
    assert one.variables.keys() == other.variables.keys()
    return {name for name, part in one.variables.items() if not torch.equal(part, other.variables[name])}


def teacher_steps(trainer: Any) -> list[int]:
    """After each of its iterations, from the trainer's log."""
    return [int(steps) for steps in re.findall(r"Teacher> (\d+) steps", trainer.log)]


def check_graduation(run: Any) -> None:
    """The run ended because the student passed; what it left says so everywhere."""
    status = check(run)
    assert (status.state, status.phase) == ("ended", "student")
    assert status.stop_reason.startswith("the model drives 2 of 2 laps, 15 of 15 from perturbed starts")
    assert status.student.endswith(": passed")
    assert status.teacher.startswith("2 of 2 laps")
    name, found = last_checkpoint(run)
    counters = counters_of(found)
    assert counters.phase == "student"
    assert 8192 <= counters.teacher_steps <= status.teacher_steps
    assert counters.teacher_episodes > 0
    assert has_passed(found.state["best_marks"])
    kinds = {key.partition("/")[0] for key in found.state}
    assert kinds == {"teacher", "best_teacher", "best_marks", "student"}
    index = read_index(run.bucket, run.keys)
    assert index
    assert index.best.name == index.last.name == name  # what passed
    evaluated = TrainingMetrics.from_json(run.bucket.get(run.keys.default_metrics)).evaluations()
    assert sum(map(len, evaluated)) == status.evaluations * 2  # neither perturbed laps nor the teacher's
    assert [row.completion_percentage for row in evaluated[-1]] == [100, 100]


@pytest.fixture(scope="module")
def graduate(new_guided_run: NewRun) -> Any:
    """A run that has ended, with its trainer's log."""
    run = new_guided_run()
    trainer, workers = started(run)
    ended(trainer, *workers)
    return run


def test_a_guided_training_ends_when_its_student_has_passed(graduate: Any) -> None:
    check_graduation(graduate)
    trainer, _ = graduate.processes
    assert trainer.log.index("Teacher> drives") < trainer.log.index("Training>")
    assert re.search(r"Student> drives 2 of 2 laps, 15 of 15 .*: passed\.", trainer.log)
    assert "The run has ended: the model drives 2 of 2 laps" in trainer.log


def test_continuous_actions_and_two_workers(new_guided_run: NewRun) -> None:
    run = new_guided_run(2, "continuous")
    trainer, workers = started(run)
    ended(trainer, *workers)
    check_graduation(run)


def test_a_student_with_two_eyes_and_a_lidar(new_guided_run: NewRun) -> None:
    run, sensors = new_guided_run(), ["STEREO_CAMERAS", "DISCRETIZED_SECTOR_LIDAR"]
    lidar = {"num_sectors": 4, "num_values_per_sector": 3, "clipping_dist": 2.5}
    described = {"sensor": sensors, "lidar_config": lidar}
    run.write(kind="gentle", term_cond_max_episodes=10000, model=described)
    trainer, workers = started(run)
    ended(trainer, *workers)
    check_graduation(run)
    _, found = last_checkpoint(run)
    scopes = {name.split("/")[5] for name in found.variables if POLICY in name}
    assert scopes >= {*sensors, "middleware_fc_embedder"}


def test_a_model_of_sac_is_guided_by_a_teacher_of_ppo(new_guided_run: NewRun) -> None:
    run = new_guided_run(1, "sac")
    trainer, workers = started(run)
    ended(trainer, *workers)
    check_graduation(run)


def test_a_student_that_learns_nothing_is_judged_late(new_guided_run: NewRun) -> None:
    run = new_guided_run()
    run.write(kind="gentle", lr=1e-12, term_cond_max_episodes=10000)
    trainer, [worker] = started(run)
    until(lambda: "Student> drives" in trainer.log)
    trainer.ask_to_stop()
    ended(trainer, worker)
    [samples] = re.findall(r"Steps=(\d+)", trainer.log.partition("Student> drives")[0])[-1:]
    assert int(samples) == USUAL.first_judgement + JUDGE_ANYWAY_AFTER


def test_a_teacher_that_has_passed_need_not_do_so_again(new_guided_run: NewRun) -> None:
    run = new_guided_run(DR_TRAIN_STOP_PROGRESS="")
    trainer, [worker] = started(run)
    first = CheckpointName(0, 0)  # without a step of the student
    until(lambda: run.bucket.exists(run.keys.checkpoint(str(first))))
    until(lambda: counters_of(checkpoint(run, first)).phase == "student")
    trainer.ask_to_stop()
    ended(trainer, worker)
    assert has_passed(checkpoint(run, first).state["best_marks"])


def test_a_trainer_that_is_killed_with_a_student_goes_on_with_it(new_guided_run: NewRun) -> None:
    run = new_guided_run(DR_TRAIN_STOP_PROGRESS="")
    trainer, [worker] = started(run)
    until(lambda: "Evaluation of checkpoint" in trainer.log)
    until(lambda: last_checkpoint(run)[0].number > 0)
    trainer.kill()
    _, before = last_checkpoint(run)
    run.variables["DR_TRAIN_STOP_PROGRESS"] = "100"
    trainer = run.start("train")
    ended(trainer, worker)
    check_graduation(run)
    log = trainer.log.rpartition("Restoring from path")[2]
    assert "Teacher>" not in log.partition("Training>")[0]
    _, after = last_checkpoint(run)
    assert counters_of(before).phase == "student"
    assert counters_of(after).teacher_steps >= counters_of(before).teacher_steps >= 8192
    assert counters_of(after).steps > counters_of(before).steps > 0
    assert has_passed(before.state["best_marks"])
    assert after.state["student/adam_steps"] > before.state["student/adam_steps"] > 0


def test_a_student_of_randomised_pictures_keeps_the_embedder_it_starts_with(new_guided_run: NewRun) -> None:
    run = new_guided_run()
    randomised = {"ENABLE_DOMAIN_RANDOMIZATION": "True"}
    run.write(kind="gentle", term_cond_max_episodes=10000, params=randomised)
    trainer, [worker] = started(run)
    until(lambda: "Training>" in trainer.log)
    trainer.kill()
    trainer = run.start("train")
    until(lambda: "Training>" in trainer.log.partition("Restoring from path")[2])
    trainer.ask_to_stop()
    ended(trainer, worker)
    assert check(run).teacher.endswith(": passed")  # before it was killed
    name, found = last_checkpoint(run)
    assert counters_of(found).steps > 0
    metadata = ModelMetadata.parse(run.bucket.get(run.keys.model_metadata), str(name))
    assert has_camera_embedder(restored_actor_critic(ModelSpec.of(metadata), found.variables))


def test_a_worker_that_is_killed_with_a_teacher_costs_nothing_but_time(new_guided_run: NewRun) -> None:
    run = new_guided_run(2, "continuous")
    trainer, workers = started(run)
    until(lambda: teacher_steps(trainer))
    workers[1].kill()
    workers[1] = run.start("work", 1)
    until(lambda: "Worker 1 was restarted" in trainer.log)
    goal = len(teacher_steps(trainer)) + 3
    until(lambda: len(teacher_steps(trainer)) >= goal)
    trainer.ask_to_stop()
    ended(trainer, *workers)
    steps = teacher_steps(trainer)
    assert steps == [512 + 2048 * number for number in range(len(steps))]
    status = read_status(run.bucket, "racer")
    assert status
    assert (status.state, status.stop_reason) == ("ended", "stopped on request")
    assert status.teacher_steps == steps[-1]


def test_a_teacher_that_is_punished_for_every_step_ends_the_run_with_a_diagnosis(
    new_guided_run: NewRun,
) -> None:
    run = new_guided_run(DR_TRAIN_TEACHER_STEPS="10000", DR_TRAIN_TEACHER_FALLBACK="stop")
    run.write(kind="gentle", reward=PUNISHING, term_cond_max_episodes=10000)
    trainer, [worker] = started(run)
    assert (trainer.wait(), worker.wait()) == (3, 0)
    status = read_status(run.bucket, "racer")
    assert status
    assert status.state == "failed"
    assert re.match(r"The teacher did not pass in 10,752 steps\. In its last exam: ", status.message)
    assert re.search(r"episodes end at \d+ to \d+ %", status.message)
    assert "A step earns -1 on average" in status.message
    for name in ("DR_TRAIN_TEACHER_STEPS", "DR_TRAIN_METHOD=pixels"):
        assert name in status.hint
    assert (status.steps, status.episodes) == (0, 0)


def test_after_a_teacher_that_does_not_pass_the_training_goes_on_from_pixels(new_guided_run: NewRun) -> None:
    run = new_guided_run(DR_TRAIN_TEACHER_STEPS="10000", DR_TRAIN_STOP_PROGRESS="")
    run.write(kind="gentle", reward=PUNISHING, term_cond_max_episodes=8)
    trainer, [worker] = started(run)
    ended(trainer, worker)
    assert "A step earns -1 on average" in trainer.log
    assert "The training goes on from pixels." in trainer.log
    status = check(run)
    assert (status.state, status.phase) == ("ended", "pixels")
    assert "term_cond_max_episodes" in status.stop_reason
    assert status.teacher_steps == 10752
    _, found = last_checkpoint(run)
    assert counters_of(found).phase == "pixels"
    run.write(kind="gentle", reward=PUNISHING, term_cond_max_episodes=status.episodes + 8)
    trainer = run.start("train")  # what has failed once is not tried again
    ended(trainer, run.start("work"))
    assert "Teacher>" not in trainer.log.rpartition("Restoring from path")[2]
    assert check(run).episodes >= status.episodes + 8


def test_a_slow_reward_function_makes_a_small_teacher(new_guided_run: NewRun) -> None:
    run = new_guided_run()
    run.write(kind="gentle", reward=SLOW, term_cond_max_episodes=10000)
    trainer, [worker] = started(run)
    until(lambda: len(teacher_steps(trainer)) >= 3)
    trainer.ask_to_stop()
    ended(trainer, worker)
    assert teacher_steps(trainer)[:3] == [512, 1024, 1536]
    lines = re.findall(
        r"A call of the reward function takes (\d\.\d\d) ms: .* 512 steps .* 2048", trainer.log
    )
    assert len(lines) == 1
    assert float(lines[0]) > SLOW_REWARD_MS


# Methods one after the other


def graduation_of(graduate: Any, run: Any) -> Any:
    """A run whose bucket begins with what the graduate left."""
    for info in graduate.bucket.list("racer/"):
        run.bucket.put(info.key, graduate.bucket.get(info.key))
    return run


def write_pixels(run: Any, max_episodes: int) -> None:
    """Iterations of four episodes."""
    run.write(
        kind="gentle",
        num_steps_between_training=None,
        num_episodes_between_training=4,
        term_cond_max_episodes=max_episodes,
    )


@pytest.mark.parametrize("how", ["continued", "pretrained"])
def test_training_from_pixels_goes_on_with_what_a_student_has_learned(
    graduate: Any, new_guided_run: NewRun, how: str
) -> None:
    """Its first iteration leaves the policy and finds out what it earns; then it learns."""
    run = graduation_of(graduate, new_guided_run(DR_TRAIN_METHOD="pixels", DR_TRAIN_STOP_PROGRESS=""))
    name, before = last_checkpoint(run)
    done = counters_of(before).total_episodes
    if how == "pretrained":
        for info in run.bucket.list("racer/"):
            run.bucket.put(info.key.replace("racer/", "graduate/", 1), run.bucket.get(info.key))
        run.bucket.delete([info.key for info in run.bucket.list("racer/")])
        run.variables |= {"PRETRAINED": "True", "PRETRAINED_S3_PREFIX": "graduate"}
        done = 0
    write_pixels(run, done + 4)
    ended(*run_to_its_end(run))
    first_name, first = last_checkpoint(run)
    assert counters_of(first).phase == "pixels"
    assert first_name.number == name.number + (2 if how == "pretrained" else 1)
    names = changed(before, first)
    assert names
    assert all(VALUE_HEAD in each for each in names)
    write_pixels(run, done + 8)
    ended(*run_to_its_end(run))
    second_name, second = last_checkpoint(run)
    assert second_name.number == first_name.number + 1
    assert any(POLICY in each for each in changed(first, second))


def run_to_its_end(run: Any) -> list[Any]:
    trainer, workers = started(run)
    return [trainer, *workers]


def test_a_model_from_pixels_can_be_guided(new_guided_run: NewRun) -> None:
    run = new_guided_run(DR_TRAIN_METHOD="pixels", DR_TRAIN_STOP_PROGRESS="")
    write_pixels(run, 4)
    ended(*run_to_its_end(run))
    name, _ = last_checkpoint(run)
    for info in run.bucket.list("racer/"):
        run.bucket.put(info.key.replace("racer/", "pixels/", 1), run.bucket.get(info.key))
    run.bucket.delete([info.key for info in run.bucket.list("racer/")])
    run.variables |= {
        "PRETRAINED": "True", "PRETRAINED_S3_PREFIX": "pixels", "DR_TRAIN_METHOD": "guided",
        "DR_TRAIN_STOP_PROGRESS": "100",
    }  # fmt: skip
    run.write(kind="gentle", term_cond_max_episodes=10000)
    ended(*run_to_its_end(run))
    check_graduation(run)
    _, found = last_checkpoint(run)
    assert counters_of(found).base == name.number + 1
