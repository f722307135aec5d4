"""The metrics stack for real, with a training that it measures: in containers, and as processes of this machine."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from metrics_servers import InfluxDB, Prometheus
from metrics_standins import metrics_images
from racing import ENDLESS, QUICK, Racer

from drcli.launch.docker import containers, docker_engine

Until = Callable[..., Any]
pytestmark = [pytest.mark.docker, pytest.mark.slow]
STYLES = {"compose": "telegraf", "process": "127.0.0.1"}
RUN = {"compose": "51", "process": "5"}  # Prometheus looks for processes of runs 0 to 9
SERVICES = {"grafana", "influxdb", "prometheus", "telegraf"}


@pytest.fixture(scope="module", autouse=True)
def images_of_the_stack(base_image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    before = volumes()
    with metrics_images(tmp_path_factory.mktemp("metrics")):
        yield
    with docker_engine.speaking() as client:
        for name in volumes() - before:
            client.volumes.get(name).remove()


def volumes() -> set[str]:
    """Where the stack's data stay."""
    with docker_engine.speaking() as client:
        return {each.name for each in client.volumes.list() if each.name.startswith("deepracer-metrics_")}


@pytest.fixture(scope="module", params=STYLES)
def racer(request: pytest.FixtureRequest, new_racer: Callable[[], Racer]) -> Iterator[Racer]:
    """One who has started the stack and a training of two workers."""
    style = str(request.param)
    settings = {"DR_DOCKER_STYLE": style, "DR_WORKERS": "2", "DR_RUN_ID": RUN[style]}
    settings |= {"DR_METRICS_PORT": "9200", "DR_TELEGRAF_HOST": STYLES[style]}
    if style != "process":
        request.getfixturevalue("simapp_image")
        settings |= {"DR_SIMAPP_VERSION": "test", "DR_MINIO_IMAGE": request.getfixturevalue("minio_image")}
    found = new_racer()
    found.write_run_env(**QUICK | settings)
    found.write_hyperparameters(ENDLESS)
    try:
        for words in (("start-metrics",), ("start-training", "-q")):
            done = found.dr(*words)
            assert done.returncode == 0, done.stderr
        yield found
    finally:
        found.dr("stop-all", "-y")
        found.dr("stop-metrics")


def test_a_training_is_measured(racer: Racer, until: Until) -> None:
    prometheus, influxdb = Prometheus(9090), InfluxDB(8886, 0)
    until(lambda: _answers("http://127.0.0.1:9090/-/ready") and _has_database(influxdb))
    (series,) = until(lambda: prometheus.query("dr_training_steps_total > 0"))
    assert series["metric"]["model"] == "model"
    workers = 'sum by (instance) (dr_worker_steps_total{phase="training"}) > 0'
    until(lambda: len(prometheus.query(workers)) == 2)

    until(lambda: influxdb.query("SELECT count(reward) FROM dr_training_episodes"))
    (tags,) = influxdb.query("SHOW TAG VALUES FROM dr_training_episodes WITH KEY = model")
    assert tags["values"] == [["model", "model"]]

    dashboard = json.load(urlopen("http://127.0.0.1:3000/dashboards/training.json"))
    assert dashboard["panels"]

    assert racer.dr("stop-metrics").returncode == 0
    assert containers.of_project("deepracer-metrics") == []
    assert racer.dr("start-metrics").returncode == 0
    until(lambda: _has_database(influxdb))
    until(lambda: influxdb.query("SELECT count(reward) FROM dr_training_episodes"))  # data have stayed


def test_nobody_else_is_let_in(racer: Racer, until: Until) -> None:
    """Every port of the stack is at 127.0.0.1, in whichever network it is."""
    found = containers.of_project("deepracer-metrics")
    assert {containers.service_of(each) for each in found} == SERVICES
    for container in found:
        for published in container.ports.values():
            assert {one["HostIp"] for one in published or ()} <= {"127.0.0.1"}
    until(lambda: {3000, 8886, 9090} <= _listening("0100007F"))
    assert not {3000, 8886, 8887, 9090, 8092} & (_listening("00000000") | _listening("0" * 32))


def _listening(address: str) -> set[int]:
    """The TCP ports on which programs of this machine listen at an address, as the kernel writes it."""
    rows = [
        line.split()
        for name in ("tcp", "tcp6")
        for line in Path(f"/proc/net/{name}").read_text().splitlines()
    ]
    local = [row[1].split(":") for row in rows if row[3] == "0A"]
    return {int(port, 16) for host, port in local if host == address}


def _has_database(influxdb: InfluxDB) -> bool:
    if not _answers(f"http://127.0.0.1:{influxdb.port}/ping"):
        return False
    return ["influx"] in influxdb.query("SHOW DATABASES")[0].get("values", [])


def _answers(address: str) -> bool:
    try:
        return bool(urlopen(address).status < 300)
    except OSError:
        return False
