"""Guided training: first a teacher learns without pictures, then it shows a camera network, which drives, what to do.

docs/guided.md explains it. Phases: `teacher`, `student`; `pixels` after a teacher that did not pass.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import torch

from drcli.errors import DrError
from drcli.services.shared import service_log
from drcli.services.shared.protocol import Evaluated
from drcli.services.shared.seats import STUDENT, TEACHER
from drcli.services.trainer.methods.exam_pace import ExamPace
from drcli.services.trainer.methods.marks import Marks
from drcli.services.trainer.methods.pixels import Pixels
from drcli.services.trainer.methods.teaching import Teaching
from drcli.services.trainer.starting_point import StartingPoint
from drcli.services.trainer.training_run import TrainingRun
from drcli.sim.sensors.sensor import sensor_type
from drcli.train.guided.camera_embedder import load_camera_embedder
from drcli.train.guided.imitation import ImitationLearner
from drcli.train.guided.schooling import schooling_for

SAMPLES = 64  # of an iteration of the student
JUDGE_AFTER, JUDGE_GROWTH = 128, 1.25  # samples since the last judgement, or that multiple of all
# No judgement while `Schooling.too_blind` says so, unless one has been due for so many samples.
JUDGE_ANYWAY_AFTER = 512
PATIENT_UNTIL = 1024  # samples; up to there nothing else is done during a judgement
REST, LONG_REST = 0.25, 2.0  # learning for each second of judgement; long: with nothing to stop for
LESSONS = 4  # of the teacher, when the run goes on after a judgement: a better one is easier to follow
SAVE_TEACHER_EVERY_S = 30.0
STUDENT_STATE = "student/"


class Guided:
    """A teacher's training, then a student's; or PPO from pixels, if the teacher does not pass."""

    def __init__(self, run: TrainingRun, start: StartingPoint) -> None:
        self._run = run
        self._start = start
        self._schooling = schooling_for(run.seats[TEACHER].model, run.job.is_randomised)
        if run.job.is_randomised and start.is_from_scratch:
            load_camera_embedder(start.network)
        mirrors = {each.name: sensor_type(each).mirrored for each in run.seats[STUDENT].sensors}
        self._student = ImitationLearner(
            start.network, run.parameters, run.hardware, run.seed,
            mirrors=mirrors if run.job.metadata.steers_both_ways else None,
            schooling=self._schooling,
        )  # fmt: skip
        self._teaching = Teaching(run)
        self._restore(start.learner_state)
        self._next_judgement = max(self._schooling.first_judgement, run.counters.steps + JUDGE_AFTER)
        self._interval = run.job.environment.limits.eval_interval
        self._pace = ExamPace(REST if run.job.environment.limits.stop_progress_pct is not None else LONG_REST)
        self._under_way: list[int] = []
        self._saved_at = time.monotonic()
        gave_up = run.counters.phase == "pixels" and run.counters.teacher_steps > 0
        if gave_up:
            service_log.line("A teacher has given up in this run before: the training goes on from pixels.")
        run.counters.phase = "pixels" if gave_up else "student" if self._teaching.has_passed else "teacher"

    def train(self, check: Callable[[], None]) -> None:
        """Train until the run is over."""
        run = self._run
        while not run.is_over and run.counters.phase == "teacher":
            check()
            self._teach()
        if run.is_over and run.counters.phase == "teacher":
            self._save_teacher()
        if run.counters.phase == "pixels":
            Pixels(run, self._start).train(check)
            return
        while not run.is_over:
            check()
            self._practise()
        if run.stop.requested or not run.stop.is_reached_by_progress:
            self.save()

    def save(self) -> None:
        """Save the student; teacher and optimizer lie beside it."""
        student = {STUDENT_STATE + name: part for name, part in self._student.state().items()}
        self._run.save(self._student.network, {**student, **self._teaching.state()})

    def _save_teacher(self) -> None:
        """Save what the teacher has learned, beside a student that has not begun."""
        self._saved_at = time.monotonic()
        self._run.forget_saved()
        self.save()

    def _restore(self, state: Mapping[str, torch.Tensor]) -> None:
        self._teaching.load_state(state)
        self._student.load_state(
            {n.removeprefix(STUDENT_STATE): part for n, part in state.items() if n.startswith(STUDENT_STATE)}
        )

    def _teach(self) -> None:
        run, teaching = self._run, self._teaching
        teaching.iterate()
        if time.monotonic() - self._saved_at > SAVE_TEACHER_EVERY_S:
            self._save_teacher()
        run.wait_until(lambda: not run.is_examining)  # an exam alone takes less time than beside a lesson
        is_at_its_end = run.counters.teacher_steps >= run.job.environment.guidance.teacher_steps
        if teaching.has_passed:
            run.counters.phase = "student"
            self._save_teacher()  # a run that stops before the student is judged goes on from here
        elif is_at_its_end and not run.is_over:
            self._give_up()

    def _give_up(self) -> None:
        """The teacher did not pass: say why, and go on from pixels or end the run."""
        steps = self._run.counters.teacher_steps
        message = f"The teacher did not pass in {steps:,} steps. {self._teaching.diagnosis()}"
        if self._run.job.environment.guidance.fallback == "stop":
            raise DrError(
                message,
                "Change the reward function or the action space, allow more with DR_TRAIN_TEACHER_STEPS, or set "
                "DR_TRAIN_METHOD=pixels.",
            )
        service_log.line(f"{message} The training goes on from pixels.")
        self._run.counters.phase = "pixels"

    def _practise(self) -> None:
        """One iteration of the student, and of what goes on beside it.

        The workers already drive its next samples while it learns from these: imitation can, PPO cannot.
        """
        run, counters = self._run, self._run.counters
        results = run.collected(self._under_way or self._begin_driving())
        if run.is_over:
            return
        self._under_way = self._begin_driving()
        gap = self._student.learn(
            [result.rollout for _, result in results], self._teaching.best, counters.steps
        )
        run.learned(results, [{"divergence": gap}])
        if counters.steps >= self._schooling.teacher_learns_on_from and counters.iteration % 2 == 0:
            self._teaching.iterate()
        if self._is_judgement_due and not run.is_over:
            self._judge()

    def _begin_driving(self) -> list[int]:
        run = self._run
        return run.begin_collecting(run.policy(STUDENT, self._student.network), steps=SAMPLES)

    @property
    def _is_judgement_due(self) -> bool:
        if self._interval is not None:  # DR_TRAIN_EVAL_INTERVAL
            return self._run.counters.iteration % self._interval == 0
        beyond = self._run.counters.steps - self._next_judgement
        is_worth_it = beyond >= JUDGE_ANYWAY_AFTER or self._student.blindness < self._schooling.too_blind
        return beyond >= 0 and is_worth_it and self._pace.is_rested

    def _judge(self) -> None:
        """Save the student and have it judged. Unless it has learned for long, everything else waits meanwhile."""
        run, samples = self._run, self._run.counters.steps
        run.wait_until(lambda: not run.is_examining)
        if run.is_over:
            return
        self.save()
        self._next_judgement = max(samples + JUDGE_AFTER, round(samples * JUDGE_GROWTH))
        policy = run.policy(STUDENT, self._student.network)
        self._pace.begin()
        run.evaluate_checkpoint(policy, self._mark, is_exam=True)
        if samples < PATIENT_UNTIL:
            run.wait_until(lambda: not run.is_examining)
            for _ in range(0 if run.is_over else LESSONS):
                self._teaching.iterate()

    def _mark(self, result: Evaluated) -> None:
        self._pace.end()
        wanted = self._run.job.environment.limits.stop_progress_pct
        marks = Marks.of(result)
        is_pass = marks.is_pass(wanted if wanted is not None else 100.0)
        self._run.observers.examined(STUDENT, str(marks), is_pass)
        if is_pass and wanted is not None:
            self._run.stop.passed = f"the model drives {marks}"
