"""An HTTP server of one service from which Prometheus reads its metrics (DR_METRICS_PORT).

On one machine the trainer of run 0 has the port that the setting names, and worker k the (k + 1)th after it; the
ports of run R come 100 × R later. In containers every service has the named port, at its container's own address.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from drcli.services.observers.observer import ObservedRun
from drcli.services.shared import service_log
from drcli.services.shared.environment import Environment

PORTS_PER_RUN = 100


@dataclass(frozen=True)
class Metric:
    """One metric. name: without the suffix `_total` of counters; label: the name of a second label, "" for none;
    read: its values, by the value of that label; no value while nothing is known.
    """

    name: str
    kind: Literal["counter", "gauge"]
    meaning: str
    read: Callable[[], float | dict[str, float] | None]
    label: str = ""


class Endpoint:
    """Serves metrics until it is closed. A port that is taken is logged, and the run goes on without."""

    def __init__(self, run: ObservedRun, index: int, metrics: Iterable[Metric]) -> None:
        from prometheus_client import CollectorRegistry, start_http_server

        registry = CollectorRegistry()
        registry.register(_Collector(run.environment, tuple(metrics)))
        host, port = address(run.environment, index)
        self._server: Any = None
        try:
            self._server, self._thread = start_http_server(port, host, registry)
        except (OSError, OverflowError) as error:
            service_log.line(
                f"Prometheus cannot read metrics at {host}:{port} (DR_METRICS_PORT): {error}. "
                "The run goes on without them."
            )
            return
        service_log.line(f"Metrics for Prometheus: http://{host}:{port}/metrics")

    def close(self) -> None:
        """Stop serving."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()


def address(environment: Environment, index: int) -> tuple[str, int]:
    """Where a service listens. index: 0 for the trainer, k + 1 for worker k."""
    port = environment.metrics.metrics_port
    if environment.is_container:
        return "0.0.0.0", port
    return "127.0.0.1", port + PORTS_PER_RUN * environment.run_id + index


class _Collector:
    """Reads all values when Prometheus asks, so that a run that nobody asks does nothing."""

    def __init__(self, environment: Environment, metrics: tuple[Metric, ...]) -> None:
        self._labels = {"model": environment.prefix, "run_id": str(environment.run_id)}
        self._metrics = metrics

    def describe(self) -> list[Any]:
        """Nothing: names are not checked for doubles, as there is one collector."""
        return []

    def collect(self) -> Iterator[Any]:
        """All metrics with their values of now."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        for metric in self._metrics:
            family = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
            names = [*self._labels, metric.label] if metric.label else [*self._labels]
            found = family(metric.name, metric.meaning, labels=names)
            value = metric.read()
            rows = value if isinstance(value, dict) else {"": value}
            for key, number in rows.items():
                if number is not None:
                    labels = [*self._labels.values(), key] if metric.label else [*self._labels.values()]
                    found.add_metric(labels, number)
            yield found
