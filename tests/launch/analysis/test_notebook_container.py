"""The container of notebooks: how it is started, and that it is found, followed and stopped on a real engine."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from drcli.config.load import settings_of
from drcli.config.settings import Settings
from drcli.errors import DrError
from drcli.launch.analysis import log_analysis
from drcli.launch.analysis.notebook_container import CONTAINER, container_options, image_of
from drcli.launch.docker import docker_engine, images
from drcli.launch.docker.claim import check_owner
from drcli.paths import Workspace

BASE = os.environ.get("DR_TEST_BASE_IMAGE", "drbase:bookworm")
STANDIN = "drcli-test/analysis:standin"
# Says where it serves, as JupyterLab does, and then what it has been given.
SERVES = """
import http.server, os
os.chdir("/workspace/analysis")
print("http://127.0.0.1:8888/lab?token=...", flush=True)
for name in ("AWS_ENDPOINT_URL_S3", "DR_LOCAL_S3_MODEL_PREFIX"):
    print(name, os.environ[name], flush=True)
http.server.test(http.server.SimpleHTTPRequestHandler, port=8888, bind="0.0.0.0")
"""


class Heard(list[str]):
    """What start said."""

    line = say = list.append


def test_an_image_is_a_tag_or_a_name() -> None:
    usual = image_of(settings_of({}))
    assert usual == "awsdeepracercommunity/deepracer-analysis:cpu"
    assert image_of(settings_of({"DR_ANALYSIS_IMAGE": "cpu-tf"})) == usual + "-tf"
    assert image_of(settings_of({"DR_ANALYSIS_IMAGE": "mine/notebooks:1"})) == "mine/notebooks:1"


def test_only_this_machine_reaches_it_and_it_sees_three_folders(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    options = container_options(workspace, {"AWS_SECRET_ACCESS_KEY": "secret"}, 8890)
    assert options["ports"] == {"8888/tcp": ("127.0.0.1", 8890)}
    assert {path: volume["bind"] for path, volume in options["volumes"].items()} == {
        str(tmp_path / "data" / "analysis"): "/workspace/analysis",
        str(tmp_path / "data" / "logs"): "/workspace/logs",
        str(tmp_path / "data" / "minio"): "/workspace/minio",
    }
    assert options["network"] == "sagemaker-local"
    assert options["labels"][docker_engine.WORKSPACE] == str(tmp_path)
    tokens = {container_options(workspace, {}, 8890)["environment"]["JUPYTER_TOKEN"] for _ in range(2)}
    assert len(tokens) == 2 and min(map(len, tokens)) > 20
    if sys.platform != "win32":
        assert options["environment"]["NB_UID"] == str(os.getuid())


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    """Settings with an image that behaves like the community's; its store is somewhere else."""
    if not images.exists(BASE):
        pytest.skip(f"there is no image {BASE}; DR_TEST_BASE_IMAGE names another")
    (tmp_path / "serve.py").write_text(SERVES)
    file = tmp_path / "Dockerfile"
    file.write_text(f'FROM {BASE}\nCOPY serve.py /workspace/\nCMD ["python3", "/workspace/serve.py"]\n')
    docker_engine.run(["build", "--quiet", "--tag", STANDIN, "--file", str(file), str(tmp_path)])
    yield settings_of(
        {"DR_DOCKER_STYLE": "compose", "DR_ANALYSIS_IMAGE": STANDIN, "DR_WORLD_NAME": "drcli_harbour"}
    )
    docker_engine.run(["rm", "--force", CONTAINER], check=False)


@pytest.mark.docker
@pytest.mark.slow
def test_it_is_started_once_found_and_stopped(
    settings: Settings, workspace: Workspace, free_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from drcli.launch.analysis import notebook_container
    from drcli.store.client import Bucket
    from drcli.store.store_config import StoreConfig

    config = StoreConfig("bucket", "http://127.0.0.1:9000", access_key="key", secret_key="a secret key")
    monkeypatch.setattr(notebook_container, "open_bucket", lambda *_: Bucket(config))
    heard = Heard()
    started = log_analysis.start(settings, workspace, free_port, heard)
    assert started.is_new
    assert started.url.startswith(
        f"http://127.0.0.1:{free_port}/lab/tree/analysis/current_model.ipynb?token="
    )
    served = requests.get(f"http://127.0.0.1:{free_port}/current_model.ipynb", timeout=10)
    assert served.json()["nbformat"] == 4
    assert log_analysis.start(settings, workspace, None, heard) == (started.url, False)
    assert log_analysis.url(settings, workspace) == started.url
    said = list(log_analysis.log(settings, workspace, 0, follow=False))
    assert "AWS_ENDPOINT_URL_S3 http://minio:9000" in said
    other = Workspace(workspace.root.parent / "other")
    with pytest.raises(DrError, match="belongs to"):
        log_analysis.start(settings, other, None, heard)
    assert not log_analysis.stop(settings, other)
    assert [log_analysis.stop(settings, workspace) for _ in range(2)] == [True, False]
    with pytest.raises(DrError, match="is not running"):
        log_analysis.url(settings, workspace)
    check_owner(CONTAINER, [], workspace.root)
