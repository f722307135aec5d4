"""From what is known of a training to its dashboard. Pure: `RunReader` does the reading.

Our engine reports a status and a learning curve. Of another engine's training there are only metrics.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import fmean

from drcli.launch.plan import Plan
from drcli.launch.run_view import RunView
from drcli.store.learning_curve import LearningCurve, LearningPoint
from drcli.store.metrics import STATUS_LABELS, TrainingEpisode, TrainingMetrics
from drcli.store.run_status import RunStatus
from drcli.watch.dashboard.dashboard_data import Curve, Dashboard, Laps, TimeLeft

_ACTIVITIES = {
    "pixels": "The model learns from pixels.",
    "teacher": "The teacher learns to drive, without pictures.",
    "student": "The model learns from its teacher while it drives.",
}
_FIRST = ("entropy", "value_loss", "surrogate_loss", "kl_divergence")  # in this order, then all others
_LAP = STATUS_LABELS["lap_complete"]
_QUIET_S = 120.0  # a status without a run on this machine is then called old


def training_picture(
    status: RunStatus, view: RunView | None, curve: LearningCurve, now: float, notes: Iterable[str] = ()
) -> Dashboard:
    """The dashboard of a training of our engine. now: seconds since the epoch."""
    state, is_over = _state(status, view)
    has_begun = bool(curve.points) or status.iteration > 0 or status.teacher_steps > 0
    evaluations = curve.evaluations
    best = status.best_checkpoint
    return Dashboard(
        kind="training",
        model=status.prefix,
        world_name=status.world_name,
        run_id=status.run_id,
        state=state,
        activity=_activity(status, state),
        iteration=status.iteration if has_begun else None,
        episodes=status.episodes if has_begun else None,
        steps=status.steps if has_begun else None,
        teacher_steps=status.teacher_steps or None,
        steps_per_s=status.steps_per_s or None,
        real_time_factor=status.real_time_factor or None,
        elapsed_s=(status.updated_at if is_over else now) - status.started_at,
        left=None if is_over or state != "training" else time_left(status, curve.points, now),
        learning=_learning(curve, status.phase),
        losses=_losses(curve.points, status.phase),
        evaluations=tuple(
            Laps(e.checkpoint, e.progress, e.trials, e.laps_s, e.checkpoint == best) for e in evaluations
        ),
        marks=tuple((who, marks) for who in ("teacher", "student") if (marks := getattr(status, who))),
        best_checkpoint=best,
        best_metric=status.best_metric,
        last_checkpoint=status.last_checkpoint,
        services=view.replicas if view is not None else (),
        notes=(*_notes(status, view, state, now), *notes),
    )


def metrics_picture(
    plan: Plan,
    view: RunView | None,
    metrics: Sequence[TrainingMetrics],
    elapsed_s: float | None,
    notes: Iterable[str] = (),
) -> Dashboard:
    """The dashboard of a training of another engine. metrics: one document for each worker; elapsed_s: of the run."""
    episodes = [row for each in metrics for row in each.episodes if row.phase == "training"]
    evaluations = [group for each in metrics for group in each.evaluations()]
    messages = () if view is None else tuple(text for text in (view.message, view.hint) if text)
    return Dashboard(
        kind="training",
        model=plan.prefix,
        world_name=plan.world_name,
        run_id=plan.run_id,
        state=view.state if view is not None else "unknown",
        activity="The engine reports only episodes and evaluations.",
        episodes=len(episodes) if metrics else None,
        elapsed_s=elapsed_s,
        learning=(
            Curve("reward", tuple(float(row.reward_score) for row in episodes)),
            _percentage("progress", (row.completion_percentage for row in episodes)),
            _percentage("evaluation", (_laps(rows).progress for rows in evaluations)),
        ),
        evaluations=tuple(map(_laps, evaluations)),
        services=view.replicas if view is not None else (),
        notes=(*messages, *notes),
    )


def time_left(status: RunStatus, points: Sequence[LearningPoint], now: float) -> TimeLeft | None:
    """When the run ends at the latest, by its own limits; None if it has none or their end cannot be foreseen.

    It may end earlier: nobody knows when a model is good enough.
    """
    learned = [point for point in points if point.at >= status.started_at]
    model = [point for point in learned if point.phase != "teacher"]
    if not learned:
        return None
    # The clock of a run starts with the first learning; `trained_s` is as old as the last iteration of the model.
    used_s = status.trained_s + now - model[-1].at if model and status.trained_s else now - learned[0].at
    limits = []
    if status.max_minutes is not None:
        limits.append(TimeLeft(max(status.max_minutes * 60 - used_s, 0.0), "DR_TRAIN_MAX_MINUTES"))
    if status.max_episodes is not None and len(model) > 1 and model[-1].episodes > model[0].episodes:
        episode_s = (model[-1].at - model[0].at) / (model[-1].episodes - model[0].episodes)
        remaining_s = (status.max_episodes - status.episodes) * episode_s - (now - model[-1].at)
        limits.append(TimeLeft(max(remaining_s, 0.0), "term_cond_max_episodes"))
    return min(limits, key=lambda limit: limit.seconds, default=None)


def _state(status: RunStatus, view: RunView | None) -> tuple[str, bool]:
    """The word for it, and whether the run is over."""
    if view is not None and view.is_over and not status.is_over:
        return view.state, True
    if view is not None and view.state == "stopping":
        return "stopping", False
    return status.state, status.is_over


def _activity(status: RunStatus, state: str) -> str:
    if state == "ended" and status.stop_reason:
        return f"The run has ended: {status.stop_reason}."
    if state == "starting":
        count = f"{status.workers} workers are" if status.workers != 1 else "1 worker is"
        return f"The services are starting; {count} connected."
    if state == "stopping":
        return "The last checkpoint is written, then the services stop."
    if state != "training":
        return ""
    if status.phase == "teacher" and status.max_teacher_steps is not None:
        return f"{_ACTIVITIES['teacher']} It has at most {status.max_teacher_steps:,} steps."
    return _ACTIVITIES.get(status.phase, "")


def _notes(status: RunStatus, view: RunView | None, state: str, now: float) -> list[str]:
    sources = [(status.message, status.hint)]
    if view is not None:
        sources.append((view.message, view.hint))
    elif not status.is_over:
        quiet_s = now - status.updated_at
        word = "The run was not started on this machine"
        sources.append((f"{word}; no news for {quiet_s:.0f} s." if quiet_s > _QUIET_S else f"{word}.", ""))
    found = [text for pair in sources for text in pair if text]
    return list(dict.fromkeys(found))


def _learning(curve: LearningCurve, phase: str) -> tuple[Curve, ...]:
    """Reward and progress of who learns, the teacher's too while its student learns, and of evaluations."""
    teacher = [point for point in curve.points if point.phase == "teacher"]
    model = [point for point in curve.points if point.phase != "teacher"]
    of_teacher = _reward_and_progress(teacher, "teacher's ")
    if phase == "teacher" and not model:
        return of_teacher
    evaluation = _percentage("evaluation", (each.progress for each in curve.evaluations))
    return (*_reward_and_progress(model), evaluation, *(of_teacher if teacher else ()))


def _reward_and_progress(points: Sequence[LearningPoint], whose: str = "") -> tuple[Curve, ...]:
    return (
        Curve(f"{whose}reward", tuple(point.reward for point in points if point.reward is not None)),
        _percentage(f"{whose}progress", (p.progress for p in points if p.progress is not None)),
    )


def _losses(points: Sequence[LearningPoint], phase: str) -> tuple[Curve, ...]:
    """All statistics of learning: the model's, then its teacher's."""
    who_learns = ("teacher",) if phase == "teacher" else ("", "teacher")
    found: list[Curve] = []
    for who in who_learns:
        own = [point.stats for point in points if (point.phase == "teacher") == (who == "teacher")]
        names = dict.fromkeys([*_FIRST, *sorted({name for stats in own for name in stats})])
        for name in names:
            values = tuple(stats[name] for stats in own if name in stats)
            label = name.replace("_", " ").replace("kl ", "KL ")
            if values:
                found.append(Curve(f"teacher's {label}" if who else label, values))
    return tuple(found)


def _laps(rows: Sequence[TrainingEpisode]) -> Laps:
    laps_s = (row.elapsed_time_in_milliseconds / 1000 for row in rows if row.episode_status == _LAP)
    return Laps("", fmean(row.completion_percentage for row in rows), len(rows), tuple(laps_s))


def _percentage(name: str, values: Iterable[float]) -> Curve:
    return Curve(name, tuple(map(float, values)), " %", 0.0, 100.0)
