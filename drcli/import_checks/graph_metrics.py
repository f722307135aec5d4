"""The metrics that the graph of a training is drawn from: how they are read, and how ours become such a document. Pure.

Source: lambda/src/import-workflow/utils/ImportHelper.ts parseMetrics (which file), website/src/types/trainingMetrics.ts
and website/src/pages/ModelDetails/components/TrainingTab/TrainingDetails/utils.ts (what is drawn). Evaluations are not
imported: that project makes its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import zip_longest

from drcli.import_checks.documents import parse_json
from drcli.import_checks.findings import ImportFault, fault, note
from drcli.store.metrics import TrainingEpisode, TrainingMetrics

DOCUMENT = "metrics/training/training-metrics.json"
_READ = re.compile(r"metrics/training/.*training-.*\.json")
_NUMBERS = ("episode", "reward_score", "completion_percentage")


def is_graph(name: str) -> bool:
    """Whether the import takes a file of this name for the graph."""
    return _READ.fullmatch(name) is not None


def check_metrics(documents: Mapping[str, bytes]) -> Iterator[ImportFault]:
    """The first document of that name counts; one that is not JSON ends the import."""
    name = min(filter(is_graph, documents), default=None)
    if name is None:
        yield note(
            "metrics/",
            "metrics/training/training-….json is missing",
            "there will be no graph of the training",
        )
        return
    problem, hint, value = parse_json(documents[name])
    if problem:
        yield fault(name, problem, hint)
        return
    rows = value.get("metrics") if isinstance(value, dict) else None
    if not isinstance(rows, list) or not all(map(_is_row, rows)):
        what = "episode, phase, reward_score and completion_percentage"
        yield note(name, "is not a list of episodes under metrics", f"the graph needs {what} of each")


def _is_row(row: object) -> bool:
    return (
        isinstance(row, dict)
        and row.get("phase") in ("training", "evaluation")
        and all(isinstance(row.get(key), int | float) for key in _NUMBERS)
    )


def graph_document(workers: Sequence[TrainingMetrics]) -> bytes:
    """One document of the metrics of all workers: iteration by iteration, episodes counted through."""
    rows: list[TrainingEpisode] = []
    episode = trial = 0
    for parts in zip_longest(*(_iterations(worker.episodes) for worker in workers), fillvalue=()):
        trial = 0
        for phase in ("training", "evaluation"):
            for row in (row for part in parts for row in part if row.phase == phase):
                episode, trial = episode + (phase == "training"), trial + (phase == "training")
                rows.append(replace(row, episode=episode, trial=trial))
    best = workers[0].best_model_metric if workers else TrainingMetrics().best_model_metric
    return TrainingMetrics(best, rows).to_json()


def _iterations(rows: Sequence[TrainingEpisode]) -> list[list[TrainingEpisode]]:
    """Trials count from 1 in each; evaluations follow the training they belong to."""
    parts: list[list[TrainingEpisode]] = []
    for row in rows:
        if not parts or (row.phase == "training" and row.trial == 1):
            parts.append([])
        parts[-1].append(row)
    return parts
