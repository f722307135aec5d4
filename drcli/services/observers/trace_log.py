"""SIM_TRACE_LOG: one log line per step of a finished episode, for log analysis tools."""

from __future__ import annotations

from drcli.contract.episode import Episode
from drcli.services.observers.observer import Observer
from drcli.services.shared import service_log
from drcli.store import simtrace


class TraceLog(Observer):
    """Logs the steps of an episode when it ends, so that they are not interleaved."""

    roles = frozenset(("worker", "evaluation"))

    def on_episode(self, worker: int, episode: Episode) -> None:
        """Write all steps at once."""
        service_log.lines(simtrace.format_log_line(row) for row in episode.rows)
