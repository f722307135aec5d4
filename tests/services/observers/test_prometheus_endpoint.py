"""What Prometheus reads at the ports of trainer and workers."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.request import urlopen

import numpy as np
import pytest
from ports import free_port
from prometheus_client.parser import text_string_to_metric_families
from two_episodes import FAILED, LAP

from drcli.contract.checkpoint_names import CheckpointName
from drcli.services.observers.observer import (
    DrivenStep,
    EvaluatedCheckpoint,
    NewCheckpoint,
    ObservedRun,
    RunEnd,
    Update,
)
from drcli.services.shared.environment import MetricsTargets
from drcli.store.checkpoints import CheckpointEntry, CheckpointIndex
from drcli.watch.metrics.endpoint import address
from drcli.watch.metrics.trainer_metrics import TrainerMetrics
from drcli.watch.metrics.worker_metrics import WorkerMetrics


def scraped(port: int) -> dict[tuple[str, str], float]:
    """Name and last label of each sample, and its value; every metric has a text that explains it."""
    text = urlopen(f"http://127.0.0.1:{port}/metrics").read().decode()
    found = {}
    for family in text_string_to_metric_families(text):
        assert family.documentation.endswith("."), family.name
        for sample in family.samples:
            assert sample.labels.pop("model") == "racer"
            assert sample.labels.pop("run_id") == "0"
            found[sample.name, next(iter(sample.labels.values()), "")] = sample.value
    return found


def test_the_trainer(observed: Callable[..., Any]) -> None:
    port = free_port()
    training = observed(MetricsTargets(metrics_port=port))
    metrics, counters = TrainerMetrics(training), training.counters
    assert ("dr_training_reward", "") not in scraped(port)  # before the first iteration
    counters.iteration, counters.steps, counters.teacher_steps = 1, 64, 512
    counters.count_episode(0)
    metrics.on_workers(2)
    metrics.on_update(Update([{"entropy": 0.5}], {0: [LAP], 1: [FAILED]}, 4.5, 12.0, 60.0))
    entry = CheckpointEntry(CheckpointName(1, 64), 75.0, 0.0)
    index = CheckpointIndex(entry, entry)
    metrics.on_checkpoint(NewCheckpoint(entry.name, index, dict))
    for episodes in ([LAP, FAILED], [FAILED]):
        metrics.on_evaluation(EvaluatedCheckpoint(entry.name, episodes, 75.0, index))
    found = scraped(port)
    assert found.pop(("dr_checkpoint_age_seconds", "")) >= 0
    assert found == {
        ("dr_training_iterations_total", ""): 1,
        ("dr_training_episodes_total", ""): 1,
        ("dr_training_steps_total", ""): 64,
        ("dr_teacher_steps_total", ""): 512,
        ("dr_training_steps_per_second", ""): 12,
        ("dr_training_reward", ""): 4.5,
        ("dr_training_progress_percent", ""): pytest.approx(75.45),
        ("dr_training_statistic", "entropy"): 0.5,
        ("dr_training_seconds", ""): 60,
        ("dr_evaluations_total", ""): 2,
        ("dr_evaluation_progress_percent", ""): 75,
        ("dr_evaluation_best_lap_seconds", ""): 9.5,
        ("dr_workers_connected", ""): 2,
        ("dr_store_errors_total", ""): 0,
    }
    metrics.on_end(RunEnd("ended"))
    with pytest.raises(OSError):
        scraped(port)


def test_a_worker_has_a_port_of_its_own(observed: Callable[..., Any]) -> None:
    port = free_port()
    training = observed(MetricsTargets(metrics_port=port))
    environment = replace(training.environment, worker_index=1)
    run = ObservedRun("worker", environment, training.bucket, training.keys, "tiny", training.metadata)
    metrics = WorkerMetrics(run)
    nothing: Any = None
    for is_evaluation in (False, False, True):
        cars = np.arange(3, dtype=np.intp)
        metrics.on_step(DrivenStep(nothing, cars, {}, nothing, nothing, is_evaluation))
    metrics.on_episode(1, LAP)
    found = scraped(port + 2)
    metrics.on_end(RunEnd("ended"))
    assert found == {
        ("dr_worker_steps_total", "training"): 6,
        ("dr_worker_steps_total", "evaluation"): 3,
        ("dr_worker_episodes_total", "lap_complete"): 1,
        ("dr_worker_reward", ""): 30.4,
        ("dr_worker_progress_percent", ""): 100,
    }


def test_ports(observed: Callable[..., Any]) -> None:
    environment = observed(MetricsTargets(metrics_port=9200)).environment
    assert address(environment, 0) == ("127.0.0.1", 9200)
    assert address(replace(environment, run_id=2), 3) == ("127.0.0.1", 9403)
    assert address(replace(environment, is_container=True), 3) == ("0.0.0.0", 9200)


def test_a_taken_port_does_not_end_a_run(
    observed: Callable[..., Any], capfd: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        metrics = TrainerMetrics(observed(MetricsTargets(metrics_port=port)))
        metrics.on_end(RunEnd("ended"))
    assert f"127.0.0.1:{port} (DR_METRICS_PORT)" in capfd.readouterr().out
