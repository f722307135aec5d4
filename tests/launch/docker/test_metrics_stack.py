"""`dr start-metrics`, `dr stop-metrics`: what they start, and what they say where they cannot."""

from __future__ import annotations

import json
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from drcli.cli import main
from drcli.config.load import settings_of
from drcli.launch.docker import docker_engine, metrics_stack
from drcli.launch.docker.draft import drafted
from drcli.launch.docker.metrics_spec import metrics_spec, missing_settings, prometheus_config
from drcli.launch.docker.resolve import resolve
from drcli.paths import Workspace

STYLES = ("process", "compose", "swarm")
SERVICES = {"grafana", "influxdb", "prometheus", "telegraf"}


def services(style: str, workspace: Workspace) -> dict[str, Any]:
    found: dict[str, Any] = drafted(
        metrics_spec(settings_of({"DR_DOCKER_STYLE": style}), workspace, "secret")
    )
    assert set(found["services"]) == SERVICES
    return dict(found["services"])


@pytest.mark.parametrize("style", STYLES)
def test_nobody_else_gets_in(style: str, tmp_path: Path) -> None:
    found = services(style, Workspace(tmp_path))
    if style == "process":
        assert {each["network_mode"] for each in found.values()} == {"host"}
        assert not any("ports" in each for each in found.values())
        assert found["grafana"]["environment"]["GF_SERVER_HTTP_ADDR"] == "127.0.0.1"
        assert found["influxdb"]["environment"]["INFLUXDB_HTTP_BIND_ADDRESS"].startswith("127.0.0.1:")
        assert found["influxdb"]["environment"]["INFLUXDB_BIND_ADDRESS"].startswith("127.0.0.1:")
        assert "--web.listen-address=127.0.0.1:9090" in found["prometheus"]["command"]
        assert found["telegraf"]["environment"]["TELEGRAF_ADDRESS"] == "udp://127.0.0.1:8092"
    else:
        assert all(port.startswith("127.0.0.1:") for each in found.values() for port in each["ports"])
        assert not any("network_mode" in each for each in found.values())
    grafana = found["grafana"]["environment"]
    assert grafana["GF_AUTH_ANONYMOUS_ORG_ROLE"] == "Viewer"
    assert "secret" not in json.dumps(found)  # and is masked
    assert all(":" in each["image"] and not each["image"].endswith(":latest") for each in found.values())


@pytest.mark.parametrize("style", STYLES)
def test_compose_understands_the_files(style: str, tmp_path: Path) -> None:
    if (
        not shutil.which("docker")
        or subprocess.run(["docker", "compose", "version"], capture_output=True).returncode
    ):
        pytest.skip("there is no docker program with the plugin compose")
    spec = metrics_spec(settings_of({"DR_DOCKER_STYLE": style}), Workspace(tmp_path), "se$cret")
    model = resolve(spec)
    assert set(model["services"]) == SERVICES
    assert model["services"]["grafana"]["environment"]["GF_SECURITY_ADMIN_PASSWORD"] == "se$cret"
    for each in model["services"].values():
        for volume in each.get("volumes", []):
            if volume["type"] == "bind" and "prometheus.yml" not in volume["source"]:
                assert Path(volume["source"]).exists(), volume["source"]


@pytest.mark.parametrize("style", STYLES)
def test_prometheus_takes_its_configuration(style: str, tmp_path: Path) -> None:
    if not shutil.which("promtool"):
        pytest.skip("there is no promtool: `apt install prometheus`")
    values = {"DR_DOCKER_STYLE": style, "DR_METRICS_PORT": "9300", "DR_WORKERS": "20"}
    file = metrics_stack.write_config(settings_of(values), Workspace(tmp_path))
    subprocess.run(["promtool", "check", "config", str(file)], check=True, capture_output=True)


def test_prometheus_finds_the_ports_of_all_runs() -> None:
    (job,) = prometheus_config(settings_of({"DR_METRICS_PORT": "9300", "DR_WORKERS": "20"}))["scrape_configs"]
    (found,) = job["static_configs"]
    assert {"127.0.0.1:9300", "127.0.0.1:9320", "127.0.0.1:10200"} <= set(found["targets"])
    (job,) = prometheus_config(settings_of({"DR_DOCKER_STYLE": "compose"}))["scrape_configs"]
    (found,) = job["dns_sd_configs"]
    assert (found["names"], found["port"]) == (["sagemaker", "robomaker"], 9200)


def test_what_is_missing() -> None:
    assert missing_settings(settings_of({})) == ["DR_METRICS_PORT=9200", "DR_TELEGRAF_HOST=127.0.0.1"]
    assert missing_settings(settings_of({"DR_DOCKER_STYLE": "swarm", "DR_METRICS_PORT": "1"})) == [
        "DR_TELEGRAF_HOST=telegraf"
    ]
    assert not missing_settings(settings_of({"DR_TELEGRAF_HOST": "x", "DR_METRICS_PORT": "1"}))


def test_the_password_is_random_private_and_stays(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    first, again = metrics_stack.make_password(workspace), metrics_stack.make_password(workspace)
    assert (first.is_new, again.is_new) == (True, False)
    assert first.text == again.text and len(first.text) >= 20
    assert stat.S_IMODE(first.file.stat().st_mode) == 0o600
    assert metrics_stack.make_password(Workspace(tmp_path / "other")).text != first.text


@pytest.mark.parametrize("name", ["start-metrics", "stop-metrics"])
def test_without_docker(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert CliRunner().invoke(main, ["init", str(tmp_path / "racer")]).exit_code == 0
    monkeypatch.chdir(tmp_path / "racer")
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nobody.sock")
    docker_engine.client.cache_clear()
    done = CliRunner().invoke(main, [name])
    assert done.exit_code == 1
    assert "Docker" in done.stderr
    if name == "start-metrics":
        assert "docs/other-tools.md" in done.stderr
        assert "DR_DOCKER_STYLE" not in done.stderr
        assert not (tmp_path / "racer" / "data" / "metrics").exists()


def test_grafana_finds_its_files() -> None:
    root = metrics_spec(settings_of({}), Workspace(Path("/w")), "").variables["DRCLI_METRICS_FILES"]
    dashboard = json.loads(Path(root, "grafana/dashboards/training.json").read_text(encoding="utf-8"))
    sources = yaml.safe_load(Path(root, "grafana/provisioning/datasources/datasources.yml").read_text())
    known = {(each["type"], each["uid"]) for each in sources["datasources"]}
    used = [target["datasource"] for panel in dashboard["panels"] for target in panel["targets"]]
    assert {(each["type"], each["uid"]) for each in used} == known
