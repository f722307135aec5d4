"""A real Prometheus and a real InfluxDB, as processes on free ports; both are packages of Debian."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest
import yaml
from polling import until
from ports import free_port


@dataclass
class Prometheus:
    """Reads metrics from some ports of this machine."""

    port: int

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The series that an expression gives now."""
        answer = _json(f"http://127.0.0.1:{self.port}/api/v1/query?{urlencode({'query': expression})}")
        found: list[dict[str, Any]] = answer["data"]["result"]
        return found


@dataclass
class InfluxDB:
    """Takes lines at a UDP port, as Telegraf would hand them on."""

    port: int
    udp_port: int

    def query(self, text: str) -> list[dict[str, Any]]:
        """The series that a query gives; AssertionError if InfluxDB does not understand it."""
        answer = _json(f"http://127.0.0.1:{self.port}/query?{urlencode({'db': 'influx', 'q': text})}")
        (result,) = answer["results"]
        assert "error" not in result, result
        found: list[dict[str, Any]] = result.get("series", [])
        return found


@contextmanager
def prometheus(folder: Path, ports: list[int]) -> Iterator[Prometheus]:
    """One that reads these ports every half second."""
    server, config = Prometheus(free_port()), folder / "prometheus.yml"
    targets = [f"127.0.0.1:{port}" for port in ports]
    scrape = {"job_name": "drcli", "scrape_interval": "500ms", "static_configs": [{"targets": targets}]}
    config.write_text(yaml.safe_dump({"scrape_configs": [scrape | {"scrape_timeout": "500ms"}]}))
    words = [f"--config.file={config}", f"--storage.tsdb.path={folder / 'tsdb'}"]
    with _running("prometheus", [*words, f"--web.listen-address=127.0.0.1:{server.port}"], folder):
        until(lambda: _answers(f"http://127.0.0.1:{server.port}/-/ready"), deadline_s=120)
        yield server


@contextmanager
def influxdb(folder: Path) -> Iterator[InfluxDB]:
    """One with the database `influx`."""
    server = InfluxDB(free_port(), free_port())
    config = folder / "influxdb.conf"
    config.write_text(f"""
reporting-disabled = true
bind-address = "127.0.0.1:{free_port()}"
[meta]
dir = "{folder}/meta"
[data]
dir = "{folder}/data"
wal-dir = "{folder}/wal"
[http]
bind-address = "127.0.0.1:{server.port}"
[[udp]]
enabled = true
bind-address = "127.0.0.1:{server.udp_port}"
database = "influx"
batch-timeout = "100ms"
""")
    with _running("influxd", ["-config", str(config)], folder):
        until(lambda: _answers(f"http://127.0.0.1:{server.port}/ping"), deadline_s=120)
        _json(f"http://127.0.0.1:{server.port}/query", b"q=CREATE DATABASE influx")
        yield server


@contextmanager
def _running(program: str, words: list[str], folder: Path) -> Iterator[None]:
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"there is no {program}: `apt install prometheus influxdb`")
    with (folder / f"{program}.log").open("wb") as log:
        process = subprocess.Popen([found, *words], stdout=log, stderr=subprocess.STDOUT, cwd=folder)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def _answers(address: str) -> bool:
    try:
        return bool(urlopen(address).status < 300)
    except (URLError, OSError):
        return False


def _json(address: str, data: bytes | None = None) -> Any:
    return json.load(urlopen(Request(address, data)))
