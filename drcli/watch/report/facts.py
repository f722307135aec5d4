"""A model in numbers: what it is, how it was trained, its evaluations. The tables of a report, and its JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from statistics import median
from typing import Any

from drcli.watch.recordings.recording import RecordedEvaluation
from drcli.watch.report.report_subject import Subject
from drcli.watch.run_progress import format_duration

Row = dict[str, object]


def facts_of(model: Subject) -> Row:
    """What the documents of a model say about it; a fact that none of them contains is left out."""
    params = model.recording.document("training_params.yaml")
    metadata = model.recording.document("model/model_metadata.json")
    status = model.recording.document("status.json")
    curve = model.curve
    trained_s = float(status.get("trained_s") or 0.0)
    facts: Row = {
        "model": model.name,
        "from": model.recording.address,
        "track": model.recording.world_name,
        "race": params.get("RACE_TYPE"),
        "sensors": ", ".join(map(str, metadata.get("sensor", ()))),
        "network": metadata.get("neural_network"),
        "algorithm": metadata.get("training_algorithm"),
        "action space": _action_space(metadata.get("action_space")),
        "seed": status.get("seed"),
        "iterations": max((point.iteration for point in curve.points), default=0),
        "training episodes": len(model.training_episodes),
        "steps": status.get("steps") or sum(len(each.rows) for each in model.training_episodes),
        "steps of the teacher": status.get("teacher_steps"),
        "training time": format_duration(trained_s) if trained_s else None,
        "best checkpoint": status.get("best_checkpoint"),
    }
    return {name: value for name, value in facts.items() if value not in (None, "", 0)}


def hyperparameters_of(model: Subject) -> Row:
    """As the training used them."""
    return dict(model.recording.document("ip/hyperparameters.json"))


def trials_of(evaluation: RecordedEvaluation) -> list[Row]:
    """The console's table."""
    return [
        {
            "trial": trial.trial,
            "time (s)": round(trial.time_s, 3),
            "completed (%)": round(trial.progress, 1),
            "status": trial.status,
            "resets": trial.resets,
            "off track": trial.off_track,
            "crashes": trial.crashed,
            "penalties (s)": None if trial.penalty_s is None else round(trial.penalty_s, 1),
        }
        for trial in evaluation.trials
    ]


def summary_of(model: Subject) -> Row:
    """A model as one row of a comparison; evaluations: the last one."""
    evaluation = model.evaluations[-1] if model.evaluations else None
    trials = evaluation.trials if evaluation else ()
    laps_s = [trial.time_s for trial in trials if trial.is_lap]
    own = [each.time_s for each in model.training_episodes if each.is_lap]
    return {
        "model": model.name,
        "track": model.recording.world_name,
        "training episodes": len(model.training_episodes),
        "training laps": len(own),
        "fastest in training (s)": round(min(own), 2) if own else None,
        "evaluated on": (evaluation.world_name or model.recording.world_name) if evaluation else None,
        "laps of trials": f"{len(laps_s)} of {len(trials)}" if trials else None,
        "fastest lap (s)": round(min(laps_s), 2) if laps_s else None,
        "median lap (s)": round(median(laps_s), 2) if laps_s else None,
        "resets": sum(trial.resets for trial in trials) if trials else None,
    }


def numbers_of(models: Sequence[Subject]) -> dict[str, Any]:
    """A report as JSON."""
    return {
        "models": [
            {
                "facts": facts_of(model),
                "hyperparameters": hyperparameters_of(model),
                "summary": summary_of(model),
                "points": [asdict(point) for point in model.curve.points],
                "exams": [asdict(each) for each in model.curve.evaluations],
                "lap_times_s": dict(model.lap_times),
                "evaluations": [
                    {
                        "started": each.started.isoformat(),
                        "track": each.world_name,
                        "checkpoint": each.checkpoint,
                        "trials": [asdict(trial) for trial in each.trials],
                    }
                    for each in model.evaluations
                ],
            }
            for model in models
        ]
    }


def _action_space(space: object) -> str:
    if isinstance(space, list):
        steer = [float(action["steering_angle"]) for action in space]
        speed = [float(action["speed"]) for action in space]
        return (
            f"{len(space)} actions, steering {min(steer):g} to {max(steer):g}°, "
            f"speed {min(speed):g} to {max(speed):g} m/s"
        )
    if isinstance(space, Mapping):
        (left, right), (slow, fast) = (
            (space[name]["low"], space[name]["high"]) for name in ("steering_angle", "speed")
        )
        return f"continuous, steering {left:g} to {right:g}°, speed {slow:g} to {fast:g} m/s"
    return ""
