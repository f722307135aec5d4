from __future__ import annotations

import json

from drcli.import_checks.graph_metrics import DOCUMENT, check_metrics, graph_document, is_graph
from drcli.store.metrics import EpisodeResult, TrainingMetrics


def worker(iterations: list[tuple[int, int]]) -> TrainingMetrics:
    """A worker's metrics: numbers of training episodes and of evaluations, of each iteration."""
    metrics = TrainingMetrics()
    for trainings, evaluations in iterations:
        metrics.start_iteration()
        for phase, count in (("training", trainings), ("evaluation", evaluations)):
            for _ in range(count):
                metrics.append(phase, EpisodeResult(9.0, 87.6, "off_track", 0.0, 8.0))  # type: ignore[arg-type]
    return metrics


def test_one_worker_stays_as_it_is() -> None:
    metrics = worker([(3, 2), (3, 0), (2, 1)])
    assert graph_document([metrics]) == metrics.to_json()


def test_workers_are_counted_through() -> None:
    rows = json.loads(graph_document([worker([(2, 1), (2, 1)]), worker([(1, 0), (2, 0), (1, 0)])]))["metrics"]
    short = [(row["episode"], row["trial"], row["phase"][0]) for row in rows]
    assert short == [
        *[(1, 1, "t"), (2, 2, "t"), (3, 3, "t"), (3, 3, "e")],
        *[(4, 1, "t"), (5, 2, "t"), (6, 3, "t"), (7, 4, "t"), (7, 4, "e")],
        (8, 1, "t"),
    ]


def test_what_we_write_is_what_is_read() -> None:
    assert is_graph(DOCUMENT) and not is_graph("metrics/TrainingMetrics.json")
    assert [*check_metrics({DOCUMENT: graph_document([worker([(2, 1)])])})] == []
