from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest

from drcli.errors import DrError
from drcli.store.metrics import EpisodeResult, EvaluationMetrics, Incidents, TrainingMetrics

SHARED = Path(__file__).parents[3] / "shared" / "traces"

OFF = EpisodeResult(reward=13.6, progress_pct=14.9, status="off_track", start_s=29.067, end_s=31.058)
LAP = EpisodeResult(reward=96.2, progress_pct=100.0, status="lap_complete", start_s=40.0, end_s=53.5)


def filled() -> TrainingMetrics:
    """Two iterations of two episodes, each with two evaluations."""
    metrics = TrainingMetrics("reward")
    for _ in range(2):
        metrics.start_iteration()
        for _ in range(2):
            metrics.append("training", OFF)
        for _ in range(2):
            metrics.append("evaluation", LAP)
    return metrics


def test_the_training_document_is_the_communitys() -> None:
    metrics = TrainingMetrics()
    metrics.start_iteration()
    metrics.append("training", OFF)
    assert metrics.to_json().decode() == (
        '{"metrics": [{"reward_score": 14, "metric_time": 31058, "start_time": 29067, '
        '"elapsed_time_in_milliseconds": 1991, "episode": 1, "trial": 1, "phase": "training", '
        '"completion_percentage": 14, "episode_status": "Off track"}], '
        '"version": 2.0, "best_model_metric": "progress"}'
    )


def test_the_evaluation_document_is_the_communitys() -> None:
    metrics = EvaluationMetrics()
    result = EpisodeResult(0.0, 100.0, "in_progress", 6.971, 21.296)
    metrics.append(result, Incidents())
    metrics.append(LAP, Incidents(crash_count=1, immobilized_count=2, off_track_count=3, reversed_count=4))
    first, second = json.loads(metrics.to_json())["metrics"]
    assert json.dumps(first) == (
        '{"completion_percentage": 100, "metric_time": 21296, "start_time": 6971, '
        '"elapsed_time_in_milliseconds": 14325, "episode_status": "In progress", "crash_count": 0, '
        '"immobilized_count": 0, "off_track_count": 0, "reversed_count": 0, "reset_count": 0, "trial": 1}'
    )
    assert (second["reset_count"], second["trial"], second["episode_status"]) == (10, 2, "Lap complete")
    assert list(json.loads(metrics.to_json())) == ["metrics"]
    assert EvaluationMetrics.from_json(metrics.to_json()) == metrics


def test_episodes_go_on_and_trials_begin_again() -> None:
    rows = filled().episodes
    assert [row.episode for row in rows] == [1, 2, 2, 2, 3, 4, 4, 4]
    assert [row.trial for row in rows] == [1, 2, 2, 2, 1, 2, 2, 2]
    assert [len(group) for group in filled().evaluations()] == [2, 2]


def test_a_document_is_loaded_and_goes_on() -> None:
    metrics = TrainingMetrics.from_json(filled().to_json())
    assert metrics == filled()
    metrics.append("training", OFF)
    assert (metrics.episodes[-1].episode, metrics.episodes[-1].trial) == (5, 3)


def test_a_resumed_run_forgets_what_came_later() -> None:
    metrics = filled()
    metrics.truncate(2)
    assert [row.phase for row in metrics.episodes] == ["training"] * 2 + ["evaluation"] * 2
    assert metrics.trial == 2
    metrics.start_iteration()
    metrics.append("training", OFF)
    assert (metrics.episode_count, metrics.episodes[-1].trial) == (3, 1)
    metrics.truncate(0)
    assert metrics == TrainingMetrics("reward")


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"metrics": 1}', '{"metrics": [{"trial": 1}]}', '{"metrics": [1]}']
)
def test_a_broken_document_is_named(text: str) -> None:
    with pytest.raises(DrError, match=r"m/TrainingMetrics\.json"):
        TrainingMetrics.from_json(text.encode(), "m/TrainingMetrics.json")


@pytest.mark.shared
def test_real_documents_are_loaded_and_written_alike() -> None:
    archives = sorted(SHARED.glob("*.tar.gz"))
    if not archives:
        pytest.skip("the recorded trainings are not here")
    seen = 0
    for archive in archives:
        with tarfile.open(archive) as tar:
            for member in tar:
                if "metrics/" in member.name and "raining" in member.name and member.name.endswith(".json"):
                    stored = tar.extractfile(member)
                    assert stored
                    data = stored.read()
                    assert (
                        json.loads(TrainingMetrics.from_json(data).to_json())["metrics"]
                        == json.loads(data)["metrics"]
                    )
                    seen += 1
    assert seen >= 3
