"""Learning from pixels: the algorithm of model_metadata.json learns from what the camera saw and the reward was."""

from __future__ import annotations

from collections.abc import Callable

from drcli.config.hyperparameters import Hyperparameters
from drcli.services.shared.protocol import POLICY
from drcli.services.trainer.starting_point import StartingPoint
from drcli.services.trainer.training_run import TrainingRun

EVALUATE_EVERY_STEPS = 512  # unless DR_TRAIN_EVAL_INTERVAL says otherwise


class Pixels:
    """Collects, learns, and evaluates now and then, while it learns on."""

    def __init__(self, run: TrainingRun, start: StartingPoint) -> None:
        self._run = run
        algorithm = run.seats[POLICY].algorithm
        self._learner = algorithm.learner(start.network, run.parameters, run.hardware, run.seed)
        self._learner.load_state(start.learner_state)
        self._is_adapted = not start.is_of_another
        self._interval = evaluation_interval(run.job.environment.limits.eval_interval, run.parameters)
        self._policy = run.policy(POLICY, self._learner.network)
        run.counters.phase = "pixels"

    def train(self, check: Callable[[], None]) -> None:
        """Iterate until the run is over."""
        run = self._run
        while not run.is_over:
            check()
            if self._iterate() and run.counters.iteration % self._interval == 0:
                self._evaluate()
        if run.stop.requested or not run.stop.is_reached_by_progress:
            self.save()

    def save(self) -> None:
        """Save the network and the state of its learner."""
        self._run.save(self._learner.network, self._learner.state())

    def _iterate(self) -> bool:
        """Run one iteration: collect, learn, notify. Returns False if the run was stopped during it.

        Collecting the next iteration while learning from this one would save a fifth of the time, but costs more than
        that: with a policy one update old, two of four runs did not stabilise within 12,000 steps.
        """
        run, parameters = self._run, self._run.parameters
        steps = parameters.num_steps_between_training
        episodes = 0 if steps else parameters.num_episodes_between_training
        results = run.collect(self._policy, steps=steps or 0, episodes=episodes)
        if run.is_over:
            return False
        rollouts = [result.rollout for _, result in results]
        epochs = self._learner.learn(rollouts) if self._is_adapted else self._learner.adapt(rollouts)
        self._is_adapted = True
        run.learned(results, epochs)
        self._policy = run.policy(POLICY, self._learner.network)
        return True

    def _evaluate(self) -> None:
        """One evaluation runs at a time; the next checkpoint waits for it."""
        self._run.wait_until(lambda: not self._run.is_examining)
        if not self._run.is_over:
            self.save()
            self._run.evaluate_checkpoint(self._policy)


def evaluation_interval(given: int | None, parameters: Hyperparameters) -> int:
    """Number of iterations between evaluations."""
    steps = parameters.num_steps_between_training
    return given or (max(1, round(EVALUATE_EVERY_STEPS / steps)) if steps else 1)
