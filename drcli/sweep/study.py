"""The search of `dr tune`: Optuna suggests the next variant, from what the earlier ones have achieved.

Its storage is `optuna.db` in the folder of the search, which `optuna-dashboard sqlite:///…` opens. A trial's number is
kept in it as soon as its variant exists, so that nothing is trained twice after `kill -9`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from drcli.sweep import variant_files
from drcli.sweep.sweep_file import Span, SweepFile, pinned
from drcli.sweep.sweep_folder import SweepFolder, VariantFolder, VariantState
from drcli.sweep.sweep_table import Standing
from drcli.sweep.variant_run import VariantRun
from drcli.sweep.variants import Choice, Variant

try:
    import optuna
except ImportError:  # `dr tune` says so before it starts anything
    optuna = None  # type: ignore[assignment]

_STUDY = "drcli"
_VARIANT = "variant"  # the attribute of a trial that names its variant
_NOTHING = 1e6  # the value of a model without a lap, in seconds: any other is better
_COMPLETE = 5  # trainings before one can be pruned: what the median is taken of
_WARM_UP = 5  # evaluations of a training before it can be pruned: the first ones say little


class Study:
    """The variants of a search: those that were begun, then new ones until there are enough."""

    def __init__(self, folder: SweepFolder) -> None:
        self._folder = folder
        self._sweep = folder.read()
        self._file = SweepFile.parse(
            (folder.path / "sweep.yaml").read_bytes(), Path(self._sweep.file), is_search=True
        )
        self._study = open_study(folder)
        self._seen: dict[str, int] = {}
        self._give_up_orphans()
        for variant in folder.variants():
            if variant.state.is_over:
                self.tell(variant, variant.state)

    def waiting(self, active: int) -> Iterator[VariantFolder]:
        """Those that have begun, then new ones."""
        left = [variant for variant in self._folder.variants() if not variant.state.is_over]
        yield from left
        while len(self._folder.variants()) < (self._sweep.trials or 0):
            yield self._next()

    def is_hopeless(self, run: VariantRun) -> bool:
        """Whether its evaluations are below the median of the others at the same point (Optuna's MedianPruner)."""
        status = run.status
        if status is None or status.evaluation_progress is None:
            return False
        trial = self._trial(run.variant.name)
        if trial is None or status.evaluations <= self._seen.get(run.variant.name, 0):
            return False
        self._seen[run.variant.name] = status.evaluations
        trial.report(100.0 - status.evaluation_progress, status.evaluations)
        return bool(trial.should_prune())

    def tell(self, variant: VariantFolder, state: VariantState) -> None:
        """Tell Optuna how it ended, once."""
        trial = self._trial(variant.name)
        if trial is None or self._study.trials[trial.number].state.is_finished():
            return
        if state.state == "pruned":
            self._study.tell(trial.number, state=optuna.trial.TrialState.PRUNED)
        elif state.state == "failed" or not state.results:
            self._study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
        else:
            self._study.tell(trial.number, value_of(Standing.of(state.results), self._sweep.rank_by))

    def _next(self) -> VariantFolder:
        trial = self._study.ask()
        name = f"t{trial.number + 1:0{len(str(self._sweep.trials))}d}"
        choices = {
            key: Choice(_suggest(trial, key, values), self._file.where("search", key))
            for key, values in self._file.search.items()
        }
        shared = {
            key: (text, self._file.where("settings", key))
            for key, text in pinned(self._file.settings).items()
        }
        limit = (
            {"DR_TRAIN_MAX_MINUTES": (self._sweep.limit_minutes, variant_files.HERE)}
            if self._sweep.limit_minutes
            else {}
        )
        variant = variant_files.make(
            self._folder.base,
            self._folder.variant_path(name),
            self._folder.name,
            Variant(name, name, choices),
            limit | shared,
            self._file.folder,
        )
        self._folder.add_to_order(name)
        trial.set_user_attr(_VARIANT, name)
        return variant

    def _give_up_orphans(self) -> None:
        """Trials whose process was killed before their variant was there."""
        for trial in self._study.get_trials(states=(optuna.trial.TrialState.RUNNING,)):
            if _VARIANT not in trial.user_attrs:
                self._study.tell(trial.number, state=optuna.trial.TrialState.FAIL)

    def _trial(self, name: str) -> Any:
        """The trial of a variant; None if it is not known, as its process was killed while it was made."""
        for frozen in self._study.trials:
            if frozen.user_attrs.get(_VARIANT) == name:
                return optuna.trial.Trial(self._study, frozen._trial_id)
        return None


def open_study(folder: SweepFolder) -> Any:
    """The study in the folder of a search, made if there is none."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        storage=storage_of(folder),
        study_name=_STUDY,
        direction="minimize",
        load_if_exists=True,
        pruner=optuna.pruners.MedianPruner(n_startup_trials=_COMPLETE, n_warmup_steps=_WARM_UP),
    )
    # Continued with the same seed it would suggest the same values again.
    seed = 1 + len(study.get_trials(deepcopy=False))
    study.sampler = optuna.samplers.TPESampler(seed=seed, constant_liar=True, n_startup_trials=5)
    return study


def storage_of(folder: SweepFolder) -> str:
    """Where Optuna keeps what it knows, as an address for it and for its dashboard."""
    return f"sqlite:///{folder.study}"


def value_of(standing: Standing, criterion: str) -> float:
    """What is minimised: seconds of a lap, resets, or what is missing to all laps or to 100 %."""
    missing = standing.trials - standing.laps
    if criterion == "resets":
        return float(standing.resets)
    if criterion == "completion":
        return 100.0 - standing.completion
    if criterion == "laps":
        return float(missing)
    lap_s = standing.mean_lap_s if criterion == "mean_lap" else standing.best_lap_s
    return _NOTHING - standing.completion if lap_s is None else lap_s * (1 + missing)


def _suggest(trial: Any, key: str, values: tuple[Any, ...] | Span) -> Any:
    if isinstance(values, Span):
        if values.is_whole:
            return trial.suggest_int(key, int(values.low), int(values.high), log=values.log)
        return float(f"{trial.suggest_float(key, float(values.low), float(values.high), log=values.log):.4g}")
    simple = all(isinstance(value, str | int | float | bool | None) for value in values)
    if simple:
        return trial.suggest_categorical(key, list(values))
    return values[trial.suggest_categorical(key, list(range(len(values))))]
