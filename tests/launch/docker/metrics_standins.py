"""The images of the metrics stack, built from Debian's packages where they cannot be pulled.

Prometheus and InfluxDB are the real programs. Telegraf and Grafana are not packages of Debian: the first stand-in does
what the mounted telegraf.conf says, the second serves the files that Grafana would read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from standins import BASE

from drcli.launch.docker import docker_engine, images
from drcli.paths import compose_dir

_PACKAGES = "drcli-test/metrics:standin"
_DOCKERFILE = f"""
FROM {BASE}
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends prometheus influxdb
RUN mkdir /prometheus && chown nobody /prometheus
COPY influxdb.sh telegraf.py grafana.py /
"""
_OWN: Mapping[str, str] = {
    "prometheus": """USER nobody
ENTRYPOINT ["/usr/bin/prometheus"]
CMD ["--config.file=/etc/prometheus/prometheus.yml", "--storage.tsdb.path=/prometheus"]""",
    "influxdb": 'CMD ["sh", "/influxdb.sh"]',
    "telegraf": 'CMD ["python3", "-u", "/telegraf.py"]',
    "grafana": 'CMD ["python3", "-u", "/grafana.py"]',
}
_INFLUXDB = """
export INFLUXDB_META_DIR=/var/lib/influxdb/meta INFLUXDB_DATA_DIR=/var/lib/influxdb/data
export INFLUXDB_DATA_WAL_DIR=/var/lib/influxdb/wal
port=${INFLUXDB_HTTP_BIND_ADDRESS:-:8086}
ask="import urllib.request as r; r.urlopen('http://127.0.0.1:${port##*:}/query', b'q=CREATE DATABASE $INFLUXDB_DB')"
(until python3 -c "$ask" 2>/dev/null; do sleep 0.3; done) &
exec influxd
"""
_TELEGRAF = """
import os, re, socket, tomllib, urllib.request
text = open("/etc/telegraf/telegraf.conf").read()
config = tomllib.loads(re.sub(r"\\$\\{(\\w+)\\}", lambda found: os.environ[found[1]], text))
(listener,), (out,) = config["inputs"]["socket_listener"], config["outputs"]["influxdb"]
assert listener["data_format"] == "influx"
kind, _, address = listener["service_address"].partition("://")
assert kind == "udp", kind
host, _, port = address.rpartition(":")
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind((host, int(port)))
while True:
    lines = server.recv(65536)
    try:
        urllib.request.urlopen(f"{out['urls'][0]}/write?db={out['database']}", lines).close()
    except OSError as error:
        print(error)
"""
_GRAFANA = """
import functools, http.server, os
for name in ("INFLUX_URL", "PROMETHEUS_URL", "GF_SECURITY_ADMIN_PASSWORD"):
    assert os.environ[name], name
files = functools.partial(http.server.SimpleHTTPRequestHandler, directory="/etc/grafana")
http.server.HTTPServer((os.environ.get("GF_SERVER_HTTP_ADDR", ""), 3000), files).serve_forever()
"""


@contextmanager
def metrics_images(folder: Path) -> Iterator[None]:
    """All four images, under the names that the stack has for them; those that are not here are built, and removed."""
    stack = yaml.safe_load((compose_dir() / "metrics" / "metrics.yml").read_text())
    names = {service: str(each["image"]) for service, each in stack["services"].items()}
    missing = {service: name for service, name in names.items() if not images.exists(name)}
    if missing and not images.exists(_PACKAGES):
        _build(folder, _DOCKERFILE, _PACKAGES)
    try:
        for service, name in missing.items():
            _build(folder, f"FROM {_PACKAGES}\n{_OWN[service]}\n", name)
        yield
    finally:
        with docker_engine.speaking() as client:
            for name in missing.values():
                if images.exists(name):
                    client.images.remove(name, force=True)


def _build(folder: Path, dockerfile: str, name: str) -> None:
    (folder / "Dockerfile").write_text(dockerfile)
    for file, text in {"influxdb.sh": _INFLUXDB, "telegraf.py": _TELEGRAF, "grafana.py": _GRAFANA}.items():
        (folder / file).write_text(text)
    done = docker_engine.run(["build", "-q", "-t", name, str(folder)], check=False)
    if done.code:
        pytest.skip(f"Debian's packages of Prometheus and InfluxDB cannot be installed: {done.last_words}")
