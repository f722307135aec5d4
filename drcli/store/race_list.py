"""The races of several models that a bucket remembers: from the facts of the evaluations that they were."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from drcli.store.client import Bucket

_FACTS = re.compile(r"(?P<simtrace>.+/evaluation-\d{14})/evaluation\.json")


@dataclass(frozen=True)
class RaceFacts:
    """A race: what it was, and how each model did, in the order of the grid.

    evaluation: the prefix of its results; rules: by key of the params document; standings: as they were written.
    """

    evaluation: str
    world_name: str
    rules: Mapping[str, Any]
    standings: tuple[Mapping[str, Any], ...]

    @property
    def entries(self) -> tuple[tuple[str, str], ...]:
        """Who took part: model and checkpoint of each."""
        return tuple((str(each["model"]), str(each["checkpoint"])) for each in self.standings)

    @property
    def winner(self) -> str | None:
        """The model that won; None if all were equally good."""
        first = [str(each["model"]) for each in self.standings if each["place"] == 1]
        return first[0] if len(first) == 1 else None


def races_of(bucket: Bucket, model: str) -> Iterator[RaceFacts]:
    """The races that `model` was in as the first of the grid, latest first."""
    for info in sorted(bucket.list(f"{model}/evaluation-"), key=lambda info: info.key, reverse=True):
        if match := _FACTS.fullmatch(info.key):
            found = read_race(bucket, match["simtrace"])
            if found is not None:
                yield found


def read_race(bucket: Bucket, simtrace_prefix: str) -> RaceFacts | None:
    """A race, given SIMTRACE_S3_PREFIX of its evaluation; None if that was not a race of several models."""
    with suppress(ValueError, KeyError, TypeError):
        facts = json.loads(bucket.find(f"{simtrace_prefix}/evaluation.json") or b"")
        standings = tuple(dict(each) for each in facts["standings"])
        found = RaceFacts(simtrace_prefix, str(facts["world_name"]), dict(facts["rules"]), standings)
        if len(found.entries) > 1 and all({"place", "time_s", "progress"} <= set(each) for each in standings):
            return found
    return None
