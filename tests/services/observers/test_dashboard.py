"""Every panel of the dashboard shows something: its queries are answered by a real Prometheus and a real InfluxDB."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from metrics_servers import InfluxDB, Prometheus, influxdb, prometheus
from polling import until
from ports import free_port
from two_episodes import FAILED, LAP

from drcli.contract.checkpoint_names import CheckpointName
from drcli.contract.episode import Lap
from drcli.paths import compose_dir
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
from drcli.watch.metrics.telegraf_lines import TelegrafLines
from drcli.watch.metrics.trainer_metrics import TrainerMetrics
from drcli.watch.metrics.worker_metrics import WorkerMetrics

FILE = compose_dir() / "metrics" / "grafana" / "dashboards" / "training.json"
DASHBOARD = json.loads(FILE.read_text(encoding="utf-8"))
QUERIES = [(panel["title"], target) for panel in DASHBOARD["panels"] for target in panel["targets"]]
# What Grafana puts in.
FILLED = {"$model": ".*", "$__rate_interval": "10s", "$timeFilter": "time > now() - 1h", "$__interval": "10s"}


@pytest.fixture(scope="module")
def influx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InfluxDB]:
    with influxdb(tmp_path_factory.mktemp("influxdb")) as server:
        yield server


@pytest.fixture
def driven(observed: Callable[..., Any], influx: InfluxDB, tmp_path: Path) -> Iterator[Prometheus]:
    """A Prometheus that sees a training which has been through everything, and whose results are in the InfluxDB."""
    port = free_port()
    training = observed(MetricsTargets("127.0.0.1", influx.udp_port, port))
    environment = replace(training.environment, worker_index=0)
    rest = (training.bucket, training.keys, "tiny", training.metadata)
    observers = [TrainerMetrics(training), TelegrafLines(training)]
    worker = WorkerMetrics(ObservedRun("worker", environment, *rest))
    evaluation = TelegrafLines(ObservedRun("evaluation", environment, *rest))
    entry = CheckpointEntry(CheckpointName(1, 64), 75.0, 0.0)
    index = CheckpointIndex(entry, entry)
    update = Update([{"entropy": 0.5}], {0: [LAP, FAILED]}, 4.5, 12.0, 60.0)
    evaluation.on_episode(0, replace(LAP, laps=[Lap(100.0, 100, 109.5)]))
    for each in observers:
        for episode in (LAP, FAILED):
            each.on_episode(0, episode)
        each.on_update(update)
        each.on_checkpoint(NewCheckpoint(entry.name, index, dict))
        each.on_evaluation(EvaluatedCheckpoint(entry.name, [LAP, FAILED], 75.0, index))
        each.on_workers(1)
    worker.on_episode(0, LAP)
    nothing: Any = None
    worker.on_step(DrivenStep(nothing, np.arange(3, dtype=np.intp), {}, nothing, nothing, False))
    with prometheus(tmp_path, [port, port + 1]) as server:
        until(lambda: len(server.query("count_over_time(dr_worker_steps_total[1h]) > 2")), deadline_s=120)
        yield server
    for one in (*observers, worker, evaluation):
        one.on_end(RunEnd("ended"))


def filled(query: str) -> str:
    for name, value in FILLED.items():
        query = query.replace(name, value)
    assert "$" not in query.replace("$/", ""), query
    return query


def test_every_panel_shows_something(driven: Prometheus, influx: InfluxDB) -> None:
    for title, target in QUERIES:
        if target["datasource"]["type"] == "prometheus":
            expression = filled(target["expr"])
            assert until(lambda query=expression: driven.query(query), deadline_s=60), title
        else:
            query = filled(target["query"])
            series = until(lambda query=query: influx.query(query), deadline_s=60)
            assert all(len(each["values"]) >= 1 for each in series), title


def test_what_influxdb_got(driven: Prometheus, influx: InfluxDB) -> None:
    def rows() -> list[Any]:
        query = "SELECT reward, elapsed_time, status, worker FROM \"dr_training_episodes\" WHERE phase = 'training'"
        return [row[1:] for series in influx.query(query) for row in series["values"]]

    until(lambda: len(rows()) >= 2, deadline_s=60)
    assert [30, 9500, "Lap complete", "0"] in rows()
    assert [10, 5000, "Off track", "0"] in rows()


@pytest.mark.slow
def test_a_real_training(new_run: Callable[..., Any], influx: InfluxDB, tmp_path: Path) -> None:
    """Trainer and worker as processes: seen while they work, and what they have sent is whole."""
    port = free_port()
    run = new_run(
        TELEGRAF_HOST="localhost",
        TELEGRAF_PORT=str(influx.udp_port),
        DR_METRICS_PORT=str(port),
        DR_TENSORBOARD="1",
    )
    run.write(term_cond_max_episodes=1_000_000)
    with prometheus(tmp_path, [port, port + 1]) as server:
        trainer, worker = run.start("train"), run.start("work", 0)
        until(
            lambda: (
                server.query("dr_training_iterations_total > 1") and server.query("dr_evaluations_total > 0")
            )
        )
        assert until(lambda: server.query('dr_worker_steps_total{phase="training"} > 0'))
        assert server.query("dr_workers_connected == 1")
        assert server.query('up{job="drcli"} == 1') and not server.query("dr_store_errors_total > 0")
        trainer.ask_to_stop()
        assert trainer.wait() is not None
        worker.kill()
    count = "SELECT count(reward) FROM dr_training_episodes WHERE phase = 'training' AND model = 'racer'"
    episodes = int(re.findall(r"Training> .*?Episode=(\d+)", trainer.log)[-1])
    assert episodes > 0
    until(lambda: influx.query(count)[0]["values"][0][1] >= episodes, deadline_s=60)
    (events,) = run.bucket.list("racer/tensorboard/")
    assert b"train/entropy" in run.bucket.get(events.key) and b"eval/progress" in run.bucket.get(events.key)
