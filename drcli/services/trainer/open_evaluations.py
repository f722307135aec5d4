"""Evaluations that workers are driving: shared out among them, and put together when all shares are in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from drcli.services.shared.protocol import Evaluate, Evaluated

Then = Callable[[Evaluated], None]


def shares(whole: Evaluate, workers: int, *, is_multi_config: bool) -> list[Evaluate]:
    """Share out an evaluation. In a multi-config run each worker drives all of it, on its own track."""
    if is_multi_config:
        return [whole] * workers
    parts = max(1, min(workers, whole.episodes))

    def share(of: int, part: int) -> int:
        return of // parts + (part < of % parts)

    return [
        replace(
            whole,
            episodes=share(whole.episodes, part),
            perturbed=share(whole.perturbed, part),
            part=part,
            parts=parts,
        )
        for part in range(parts)
    ]


@dataclass
class _Open:
    wanted: int
    then: Then
    results: list[Evaluated] = field(default_factory=list)


class OpenEvaluations:
    """By the assignments of their shares."""

    def __init__(self) -> None:
        self._by_assignment: dict[int, _Open] = {}

    def __bool__(self) -> bool:
        return bool(self._by_assignment)

    def begin(self, tasks: Sequence[Evaluate], then: Then) -> None:
        """Expect the results of these shares, and call `then` with all of them together."""
        one = _Open(len(tasks), then)
        self._by_assignment |= {task.assignment: one for task in tasks}

    def note(self, result: Evaluated) -> None:
        """Take the result of a share; one that nobody waits for is ignored."""
        one = self._by_assignment.pop(result.assignment, None)
        if one is None:
            return
        one.results.append(result)
        if len(one.results) == one.wanted:
            episodes = tuple(episode for part in one.results for episode in part.episodes)
            perturbed = tuple(episode for part in one.results for episode in part.perturbed)
            one.then(Evaluated(result.assignment, episodes, perturbed))
