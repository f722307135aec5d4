"""A training to observe."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from drcli.services.observers.observer import ObservedTraining
from drcli.services.shared.counters import Counters
from drcli.services.shared.environment import MetricsTargets
from drcli.services.shared.publisher import Publisher


@pytest.fixture
def observed(run: Any) -> Iterator[Callable[[MetricsTargets], ObservedTraining]]:
    """Makes a training that tells these targets."""
    publisher = Publisher(lambda text: None)

    def make(metrics: MetricsTargets) -> ObservedTraining:
        job = run.job()
        return ObservedTraining(
            role="trainer", environment=replace(job.environment, metrics=metrics), bucket=job.bucket,
            keys=job.keys, world_name="tiny", metadata=job.metadata, job=job,
            hyperparameters=job.hyperparameters(), counters=Counters(7), before=None, publisher=publisher,
        )  # fmt: skip

    yield make
    publisher.close()
