"""The metrics stack as a Compose project, and what its Prometheus looks for. `metrics_stack` starts it. Pure."""

from __future__ import annotations

from typing import Any

from drcli.config.settings import Settings
from drcli.launch.docker.stack_spec import StackSpec
from drcli.launch.launcher import launcher_of
from drcli.paths import Workspace, compose_dir

PROJECT = "deepracer-metrics"  # as in DeepRacer-for-Cloud
DASHBOARD = "http://127.0.0.1:3000/d/deepracer"
ADDRESSES = {"grafana": DASHBOARD, "prometheus": "http://127.0.0.1:9090", "influxdb": "http://127.0.0.1:8886"}
USUAL_PORT = 9200  # of metrics, where DR_METRICS_PORT names none

_RUNS = 10
_WORKERS = 16
_PORTS_PER_RUN = 100  # see drcli.watch.metrics.endpoint
_INTERVAL = "5s"


def metrics_spec(settings: Settings, workspace: Workspace, password: str) -> StackSpec:
    """On the machine's own network if the services are there, otherwise on theirs."""
    network = launcher_of(settings.docker_style).shared_network
    return StackSpec(
        project=PROJECT,
        style="compose",
        files=("metrics/metrics.yml", "metrics/containers.yml" if network else "metrics/host.yml"),
        variables={
            "DRCLI_WORKSPACE": str(workspace.root),
            "DRCLI_METRICS_FILES": str(compose_dir() / "metrics"),
            "DRCLI_PROMETHEUS_CONFIG": str(workspace.metrics / "prometheus.yml"),
            "DR_TELEGRAF_PORT": str(settings.telegraf_port),
        },
        replicas={},
        secrets={"GF_SECURITY_ADMIN_PASSWORD": password},
    )


def prometheus_config(settings: Settings) -> dict[str, Any]:
    """Its configuration: the ports of runs on this machine, or the containers of all runs, found by name."""
    port = settings.metrics_port or USUAL_PORT
    if launcher_of(settings.docker_style).shared_network:
        names = {
            "names": ["sagemaker", "robomaker"],
            "type": "A",
            "port": port,
            "refresh_interval": _INTERVAL,
        }
        found: dict[str, Any] = {"dns_sd_configs": [names]}
    else:
        services = range(1 + max(_WORKERS, settings.workers))
        ports = [port + _PORTS_PER_RUN * run + index for run in range(_RUNS) for index in services]
        found = {"static_configs": [{"targets": [f"127.0.0.1:{each}" for each in ports if each <= 65535]}]}
    return {
        "global": {"scrape_interval": _INTERVAL, "scrape_timeout": "4s"},
        "scrape_configs": [{"job_name": "drcli", **found}],
    }


def missing_settings(settings: Settings) -> list[str]:
    """What has to be set so that runs are seen, as `NAME=VALUE`."""
    host = "telegraf" if launcher_of(settings.docker_style).shared_network else "127.0.0.1"
    wanted = []
    if settings.metrics_port is None:
        wanted.append(f"DR_METRICS_PORT={USUAL_PORT}")
    if not settings.telegraf_host:
        wanted.append(f"DR_TELEGRAF_HOST={host}")
    return wanted
