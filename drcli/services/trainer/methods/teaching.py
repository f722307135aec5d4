"""The teacher's training: it learns from steps without pictures, is examined now and then, and its best state kept."""

from __future__ import annotations

import copy
from collections import Counter, deque
from collections.abc import Mapping

import torch

from drcli.contract.episode import Episode
from drcli.services.observers.observer import Lesson
from drcli.services.shared import service_log
from drcli.services.shared.protocol import Evaluated, Experience
from drcli.services.shared.seats import TEACHER
from drcli.services.trainer.methods.exam_pace import ExamPace
from drcli.services.trainer.methods.marks import Marks, places
from drcli.services.trainer.training_run import TrainingRun
from drcli.train.actor_critic import ActorCritic
from drcli.train.algorithms.ppo_learner import PPOLearner
from drcli.train.guided.teacher import teacher_hyperparameters
from drcli.train.hardware import Hardware

STEPS, SMALL_STEPS = 2048, 512  # of an iteration
SLOW_REWARD_MS = 0.2  # a call; from there on the teacher is a small one
FIRST_EXAM_STEPS, EXAM_EVERY_STEPS = 8192, 4096
REST = 1.0  # learning for each second of exams
NOISE = 0.03  # of what the teacher sees, in exams: the student will see it less clearly still
COOL_OVER_STEPS, COOLEST = 150_000, 0.05  # after it has passed
MEMORY = 200  # episodes that a diagnosis looks back on


class Teaching:
    """Trains the teacher of a run."""

    def __init__(self, run: TrainingRun) -> None:
        self._run = run
        seat = run.seats[TEACHER]
        network = seat.algorithm.network(seat.model)
        self._network: ActorCritic = network  # type: ignore[assignment]  # PPO's
        self._learner = self._new_learner(is_small=False)
        self._is_small: bool | None = None  # not known before the first iteration, which is small
        self._examined_at = 0
        self._passed_at: int | None = None
        self._pace = ExamPace(REST)
        self._recent: deque[Episode] = deque(maxlen=MEMORY)
        self._rewards: deque[tuple[float, float]] = deque(maxlen=MEMORY)  # of all steps, of the last ones
        self.best = copy.deepcopy(self._network)
        self.best_marks: Marks | None = None
        self.last_marks: Marks | None = None

    @property
    def has_passed(self) -> bool:
        """Whether there is a state that can teach."""
        return self.best_marks is not None and self.best_marks.is_pass()

    def iterate(self) -> None:
        """Drive, learn, and be examined when it is time, in the workers' idle time."""
        run, counters = self._run, self._run.counters
        policy = run.policy(TEACHER, self._network)
        steps = STEPS if self._is_small is False else SMALL_STEPS
        results = [result for _, result in run.collect(policy, steps=steps)]
        if run.is_over or not results:
            return
        self._learner.cool(self._warmth)
        epochs = self._learner.learn([result.rollout for result in results])
        episodes = [episode for result in results for episode in result.episodes]
        counters.teacher_steps += sum(result.rollout.num_steps for result in results)
        counters.teacher_episodes += len(episodes)
        self._remember(results)
        run.observers.lesson(Lesson(epochs, episodes, counters.teacher_steps))
        self._look_at_the_clock(results)
        if self._is_exam_due:
            self._examine()

    @property
    def _is_exam_due(self) -> bool:
        run, steps = self._run, self._run.counters.teacher_steps
        if run.is_examining or not self._pace.is_rested:
            return False
        return steps >= FIRST_EXAM_STEPS and steps - self._examined_at >= EXAM_EVERY_STEPS

    @property
    def _warmth(self) -> float:
        """1 until it has passed, then less and less: the last tenths of a second need small steps."""
        since = self._run.counters.teacher_steps - self._passed_at if self._passed_at is not None else 0
        return max(COOLEST, 1 - since / COOL_OVER_STEPS)

    def state(self) -> dict[str, torch.Tensor]:
        """The teacher as it is and as it was best, for a checkpoint: copies, as it learns on while that is written."""
        marks = self.best_marks
        passed_at = -1 if self._passed_at is None else self._passed_at
        figures = [] if marks is None else [
            marks.laps, marks.trials, marks.perturbed_laps, marks.failed, marks.progress_pct, marks.reward,
            marks.lap_s or 0.0, passed_at,
        ]  # fmt: skip
        now = {f"teacher/{name}": part.clone() for name, part in self._network.state_dict().items()}
        best = {f"best_teacher/{name}": part for name, part in self.best.state_dict().items()}
        return {**now, **best, "best_marks": torch.tensor(figures, dtype=torch.float64)}

    def load_state(self, state: Mapping[str, torch.Tensor]) -> None:
        """Restore `state`; there is none in the checkpoints of other methods.

        A teacher of another kind of race, which saw something else on the road, is of no use: this one starts from
        scratch.
        """
        self._examined_at = self._run.counters.teacher_steps
        if not is_of(state, self._network):
            service_log.line("The teacher of the checkpoint saw other things: this one starts from scratch.")
            return
        for start, network in (("teacher/", self._network), ("best_teacher/", self.best)):
            parts = {name.removeprefix(start): part for name, part in state.items() if name.startswith(start)}
            if parts:
                network.load_state_dict(parts)
        figures = state.get("best_marks", torch.empty(0)).tolist()
        if figures:
            laps, trials, perturbed, failed, progress, reward, lap_s, passed_at = figures
            counts = int(laps), int(trials), int(perturbed), int(failed)
            self._passed_at = int(passed_at) if passed_at >= 0 else None
            self.best_marks = Marks(*counts, progress, reward, lap_s or None)

    def diagnosis(self) -> str:
        """Why it does not pass, as far as can be seen: laps, where they end, what the reward pays there."""
        sentences = [f"In its last exam: {self.last_marks}." if self.last_marks else "It was never examined."]
        ends = Counter(int(place * 20) * 5 for place in places(self._recent))
        if ends:
            worst = " and ".join(f"{percent} to {percent + 5} %" for percent, _ in ends.most_common(2))
            sentences.append(f"Most of its last {len(self._recent)} episodes end at {worst} of the track.")
        if self._rewards:
            step = sum(mean for mean, _ in self._rewards) / len(self._rewards)
            last = sum(mean for _, mean in self._rewards) / len(self._rewards)
            sentences.append(_verdict_on_reward(step, last))
        return " ".join(sentence for sentence in sentences if sentence)

    def _examine(self) -> None:
        run, network = self._run, copy.deepcopy(self._network)
        self._examined_at = run.counters.teacher_steps
        self._pace.begin()
        metric = run.job.params.best_model_metric

        def mark(result: Evaluated) -> None:
            self._pace.end()
            self.last_marks = marks = Marks.of(result)
            best = self.best_marks
            if best is None or marks.rank(metric) >= best.rank(metric):
                self.best, self.best_marks = network, marks
            elif self.has_passed:
                service_log.line(f"Teacher> drives {marks}: an earlier one was better and teaches on.")
                return
            if marks.is_pass() and self._passed_at is None:
                self._passed_at = run.counters.teacher_steps
            run.observers.examined(TEACHER, str(marks), marks.is_pass())

        policy = run.policy(TEACHER, network)
        run.evaluate(policy, mark, is_exam=True, noise=NOISE)

    def _remember(self, results: list[Experience]) -> None:
        for result in results:
            rollout = result.rollout
            self._recent.extend(result.episodes)
            ends = rollout.rewards[rollout.dones & rollout.valid]
            if len(ends):
                self._rewards.append((float(rollout.rewards[rollout.valid].mean()), float(ends.mean())))

    def _look_at_the_clock(self, results: list[Experience]) -> None:
        slowest_ms = max(result.reward_ms for result in results)
        if self._is_small or slowest_ms <= SLOW_REWARD_MS:
            self._is_small = bool(self._is_small)
            return
        self._is_small = True
        self._learner = self._new_learner(is_small=True)
        service_log.line(
            f"A call of the reward function takes {slowest_ms:.2f} ms: the teacher learns from {SMALL_STEPS} steps "
            f"at a time instead of {STEPS}, and more often from each."
        )

    def _new_learner(self, is_small: bool) -> PPOLearner:
        parameters = teacher_hyperparameters(self._run.parameters, is_small)
        return PPOLearner(self._network, parameters, Hardware.exact(), self._run.seed)


def is_of(state: Mapping[str, torch.Tensor], network: torch.nn.Module) -> bool:
    """Whether the teacher in a checkpoint's state, if there is one, has the shapes of this network."""
    shapes = {name: part.shape for name, part in network.state_dict().items()}
    found = {name: part.shape for name, part in state.items() if name.startswith("teacher/")}
    return all(shapes.get(name.removeprefix("teacher/")) == shape for name, shape in found.items())


def _verdict_on_reward(step: float, last: float) -> str:
    """What a teacher learns from a reward like this; empty if nothing is wrong with it. Mean rewards of steps."""
    if step < 0:
        return (
            f"A step earns {step:.3g} on average: whoever leaves the track early loses least. Give more than 0 for "
            "being on it."
        )
    if last > step:
        return f"The step that ends an episode earns {last:.3g}, others {step:.3g} on average: leaving pays."
    return ""
