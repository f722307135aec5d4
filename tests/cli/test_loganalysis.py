"""start-loganalysis, url-, logs- and stop-loganalysis, as a user types them, on a model that was really trained.

The first run on a machine installs JupyterLab, which takes minutes; without a package index the tests are skipped.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

from drcli.errors import DrError
from drcli.launch import local_process
from drcli.launch.analysis import analysis_environment
from drcli.local import ProcessRef
from drcli.store import store_users

pytestmark = pytest.mark.slow


class Silent:
    """Listens to nothing."""

    def line(self, text: str) -> None:
        pass

    say = line


@dataclass(frozen=True)
class Notebooks:
    """A running JupyterLab."""

    finished: Any
    python: Path
    url: str
    process: psutil.Process

    def dr(self, *words: str) -> Any:
        return self.finished.racer.invoke(*words)

    @property
    def token(self) -> str:
        return self.url.partition("token=")[2]


@pytest.fixture(scope="module")
def notebooks(finished: Any) -> Iterator[Notebooks]:
    try:
        python = analysis_environment.ensure(Silent())
    except DrError as error:
        pytest.skip(error.message)
    racer = finished.racer
    done = racer.dr("start-loganalysis", "--json")
    assert done.returncode == 0, done.stderr
    record = json.loads((racer.workspace.data / "loganalysis.json").read_text())
    yield Notebooks(finished, python, json.loads(done.stdout)["address"], psutil.Process(record["pid"]))
    racer.dr("stop-loganalysis")


def test_nobody_gets_in_without_the_token(notebooks: Notebooks) -> None:
    host = notebooks.url.partition("/lab")[0]
    assert host.startswith("http://127.0.0.1:")
    assert requests.get(f"{host}/api/contents", timeout=30).status_code == 403
    names = requests.get(f"{host}/api/contents?token={notebooks.token}", timeout=30).json()["content"]
    assert {"current_model.ipynb", "tracks"} <= {each["name"] for each in names}
    listening = [
        c.laddr.ip for c in notebooks.process.net_connections("tcp") if c.status == psutil.CONN_LISTEN
    ]
    assert set(listening) == {"127.0.0.1"}


def test_secrets_are_for_the_user_only(notebooks: Notebooks) -> None:
    data = notebooks.finished.racer.workspace.data
    lines = [" ".join(p.info["cmdline"] or ()) for p in psutil.process_iter(["cmdline"])]
    secret = notebooks.process.environ()["AWS_SECRET_ACCESS_KEY"]
    assert not any(notebooks.token in line or secret in line for line in lines)
    for path in data.rglob("*"):
        if path.is_file() and is_readable_by_others(path, data) and path.stat().st_size < 1 << 20:
            content = path.read_bytes()
            assert notebooks.token.encode() not in content, path
            assert secret.encode() not in content, path


def is_readable_by_others(path: Path, top: Path) -> bool:
    """Whether neither the file nor a folder around it is closed to them."""
    parents = [parent for parent in path.parents if parent.is_relative_to(top)]
    return all(stat.S_IMODE(each.stat().st_mode) & 0o077 for each in (path, *parents))


def test_it_is_started_once(notebooks: Notebooks) -> None:
    again = notebooks.dr("start-loganalysis")
    assert (again.exit_code, again.stdout.strip()) == (0, notebooks.url)
    assert "running already" in again.stderr
    assert notebooks.dr("url-loganalysis").stdout.strip() == notebooks.url
    elsewhere = notebooks.dr("start-loganalysis", "-p", "9")
    assert elsewhere.exit_code == 2 and "already running" in elsewhere.stderr
    assert "ServerApp" in notebooks.dr("logs-loganalysis").stdout


def test_the_store_runs_as_long_as_somebody_reads(notebooks: Notebooks) -> None:
    users = store_users.living(notebooks.finished.racer.workspace)
    assert notebooks.process.pid in {user.process.pid for user in users}


def test_the_notebook_shows_the_model(notebooks: Notebooks, tmp_path: Path) -> None:
    """Every cell runs with what the server gives its notebooks, and draws something."""
    given = notebooks.process.environ()
    workspace = notebooks.finished.racer.workspace
    executed = tmp_path / "executed.ipynb"
    command = [str(notebooks.python), "-m", "nbconvert", "--execute", "--to", "notebook"]
    words = ["--output", str(executed), str(workspace.analysis / "current_model.ipynb")]
    done = local_process.run(
        [*command, *words], {"PYTHONWARNINGS": "ignore", **given, "HOME": os.environ["HOME"]}
    )
    assert done.code == 0, done.last_words
    cells = [c for c in json.loads(executed.read_text())["cells"] if c["cell_type"] == "code"]
    pictures = [sum("image/png" in o.get("data", {}) for o in cell["outputs"]) for cell in cells]
    assert pictures[0] == 0 and all(pictures[1:])


def test_stopping_twice_is_no_error(notebooks: Notebooks) -> None:
    server = ProcessRef.of(notebooks.process.pid)
    first, second = (notebooks.dr("stop-loganalysis") for _ in range(2))
    assert (first.exit_code, second.exit_code) == (0, 0)
    assert "has stopped" in first.stdout and "not running" in second.stdout
    assert not server.is_alive
    assert notebooks.dr("url-loganalysis").exit_code == 1
    assert "ServerApp" in notebooks.dr("logs-loganalysis", "--tail", "5").stdout
