"""What all tests share: nothing of the user's machine gets in, and a real bucket on a real server."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from drcli.errors import DrError
from drcli.launch.docker import docker_engine
from drcli.paths import Workspace
from drcli.store.client import Bucket
from drcli.store.server import ensure_server, stop_server
from drcli.store.store_config import StoreConfig

sys.path.append(str(Path(__file__).parent))  # for what several rooms of tests share

from polling import until
from ports import free_port

os.environ.setdefault(
    "OMP_NUM_THREADS", "1"
)  # tests run side by side: threads of torch would wait for each other
# On a busy machine an example may take long, and so may finding one.
settings.register_profile(
    "patient",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("patient")
_FOREIGN = ("AWS_", "DR_", "S3_", "RCLONE_", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")
_CACHE = os.environ.get("XDG_CACHE_HOME", str(Path.home() / ".cache"))
_DOCKER_CONFIG = os.environ.get("DOCKER_CONFIG", str(Path.home() / ".docker"))
_numbers = count(1)


# What these give has cost a training. Tests that look at it follow each other, so that one worker of pytest-xdist runs
# them all: with `--dist worksteal` each begins with a piece of the list, and what is stolen is taken from its end.
_TRAINED = ("live", "finished")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def is_looking_at_a_training(item: pytest.Item) -> bool:
        return any(name in item.fixturenames for name in _TRAINED)  # type: ignore[attr-defined]

    for item in items:
        if "live" in item.fixturenames:  # type: ignore[attr-defined]
            item.add_marker(pytest.mark.slow)
    items.sort(key=lambda item: not is_looking_at_a_training(item))


@pytest.fixture(autouse=True)
def isolation(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A home of its own, no AWS or DR variables, a fixed width."""
    for name in os.environ:
        if name.startswith(_FOREIGN):
            monkeypatch.delenv(name)
    home = str(tmp_path_factory.mktemp("home"))
    for name in ("HOME", "USERPROFILE", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, home)
    monkeypatch.setenv("DOCKER_CONFIG", _DOCKER_CONFIG)  # the plugins of the user's `docker`
    monkeypatch.setenv("XDG_CACHE_HOME", _CACHE)  # fonts and kernels need not be built again
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("DR_STORE_IDLE_MINUTES", "0")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("NO_COLOR", "1")


@cache
def no_engine() -> str:
    """Why no Docker engine can be used here; empty when one can."""
    try:
        docker_engine.client()
        docker_engine.check_compose()
    except DrError as error:
        return error.message
    return ""


@pytest.fixture(autouse=True)
def engine_where_needed(request: pytest.FixtureRequest, isolation: None) -> None:
    """Tests marked docker need an engine."""
    if request.node.get_closest_marker("docker") and (reason := no_engine()):
        pytest.skip(reason)


@pytest.fixture(scope="session", name="until")
def until_fixture() -> Callable[..., Any]:
    return until


@pytest.fixture(name="free_port")
def free_port_fixture() -> int:
    return free_port()


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """An empty workspace; its store, if the test starts one, is stopped afterwards."""
    workspace = Workspace(tmp_path / "racer")
    workspace.root.mkdir()
    yield workspace
    stop_server(workspace)


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreConfig]:
    """One real S3 server for the session."""
    workspace = Workspace(tmp_path_factory.mktemp("store"))
    yield ensure_server(workspace, free_port(), "bucket")
    stop_server(workspace)


@pytest.fixture
def bucket(store: StoreConfig) -> Bucket:
    """An empty bucket on the session's server."""
    bucket = Bucket(replace(store, bucket=f"bucket-{next(_numbers)}"))
    bucket.ensure_bucket()
    return bucket


MakeWorkspace = Callable[..., Workspace]


@pytest.fixture
def make_workspace(tmp_path: Path) -> MakeWorkspace:
    """Write env files of a workspace: `run="…"`, `system="…"`, `worker_2="…"`."""

    def make(*, system: str = "", run: str = "", experiment: str = "", **workers: str) -> Workspace:
        workspace = Workspace(tmp_path / "racer", experiment)
        workspace.folder.mkdir(parents=True, exist_ok=True)
        workspace.system_env.write_text(system, newline="")
        workspace.run_env.write_text(run, newline="")
        for name, text in workers.items():
            workspace.worker_env(int(name.removeprefix("worker_"))).write_text(text, newline="")
        return workspace

    return make
