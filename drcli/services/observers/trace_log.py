"""SIM_TRACE_LOG: every step of a finished episode as a line of the log, which log analysis tools read."""

from __future__ import annotations

from drcli.contract.episode import Episode
from drcli.services.observers.observer import Observer
from drcli.services.shared import service_log
from drcli.store import simtrace


class TraceLog(Observer):
    """Logs the steps of an episode when it ends, so that they stay together."""

    roles = frozenset(("worker", "evaluation"))

    def on_episode(self, worker: int, episode: Episode) -> None:
        """All steps in one write."""
        service_log.lines(simtrace.format_log_line(row) for row in episode.rows)
