"""JupyterLab as a process on this machine, in the virtual environment of log analysis; one per workspace.

The token is in a file that only the user can read, the keys of the bucket in the environment of the process. Settings
and history of Jupyter are kept in the workspace, away from those of the user.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

from drcli import env
from drcli.config.settings import Settings
from drcli.errors import DrError, UsageError
from drcli.launch import detached_server, log_files
from drcli.launch.analysis import analysis_environment, analysis_folder
from drcli.launch.analysis.analysis_environment import Talk
from drcli.launch.analysis.notebook_server import (
    HOST,
    NAME,
    PORT,
    Address,
    bucket_variables,
    url,
)
from drcli.launch.bucket import open_bucket
from drcli.launch.detached_server import DetachedServer, Program
from drcli.launch.store_access import is_embedded
from drcli.local import ProcessRef, lock, write_private
from drcli.paths import Workspace
from drcli.store import store_users
from drcli.store.store_config import StoreConfig

_PORTS = 20
# It neither asks the user about news nor anybody else for them.
_QUIET = {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False}}
_LOCAL = f"{HOST},localhost"


class NotebookProcess:
    """Implements `NotebookServer`."""

    def __init__(self, settings: Settings, workspace: Workspace) -> None:
        self._settings = settings
        self._workspace = workspace

    def start(self, port: int | None, talk: Talk) -> Address:
        """Builds the environment if necessary, opens the bucket, prepares the folder. Idempotent."""
        workspace = self._workspace
        with lock(workspace.data / "loganalysis.lock"):
            running = self._find()
            if running is not None:
                _check_port(running, port)
                return Address(url(running.port, running.token), is_new=False)
            python = analysis_environment.ensure(talk)
            config = open_bucket(self._settings, workspace).config
            analysis_folder.prepare(self._settings, workspace, talk)
            started = self._start(python, config, _free_port(port))
            if is_embedded(self._settings):  # it would stop by itself while somebody reads
                store_users.register(workspace, config.port, ProcessRef(started.pid, started.created))
        return Address(url(started.port, started.token), is_new=True)

    def url(self) -> str:
        """Its address with the token; empty if it is not running."""
        running = self._find()
        return "" if running is None else url(running.port, running.token)

    def stop(self) -> bool:
        """Stop it and its kernels; False if it was not running. Idempotent."""
        return detached_server.stop(DetachedServer, self._record)

    def log(self, tail: int, *, follow: bool) -> Iterator[str]:
        """Lines of its log file, which stays when it has ended."""
        return log_files.read(self._log, tail, (lambda: self._find() is not None) if follow else None)

    @property
    def _record(self) -> Path:
        return self._workspace.data / "loganalysis.json"

    @property
    def _log(self) -> Path:
        return self._workspace.logs / "loganalysis.log"

    def _find(self) -> DetachedServer | None:
        return detached_server.find(DetachedServer, self._record)

    def _start(self, python: Path, config: StoreConfig, port: int) -> DetachedServer:
        token = secrets.token_urlsafe(24)
        home = self._workspace.jupyter
        # Jupyter also writes the token into files that anybody could read.
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(home / "config" / "labconfig" / "default_setting_overrides.json", _QUIET)
        write_private(home / "jupyter.json", _jupyter_settings(self._workspace.analysis, port, token))
        program = Program(
            NAME,
            (str(python), "-m", "jupyterlab", "--config", str(home / "jupyter.json")),
            _environment(bucket_variables(self._settings, config, in_container=False), home),
            self._record,
            self._log,
            deadline_s=120.0,
        )
        return detached_server.start(DetachedServer, program, HOST, port, token)


def _jupyter_settings(folder: Path, port: int, token: str) -> dict[str, dict[str, object]]:
    return {
        "ServerApp": {
            **{"ip": HOST, "port": port, "port_retries": 0},
            **{"root_dir": str(folder), "open_browser": False},
            "allow_root": True,  # root may, too, as with the rest of drcli
        },
        "IdentityProvider": {"token": token},
        "LabApp": {"check_for_updates_class": "jupyterlab.NeverCheckForUpdate", "news_url": None},
    }


def _environment(bucket: dict[str, str], home: Path) -> dict[str, str]:
    """The user's environment, but with the bucket's keys, Jupyter's own folders, and none of our packages."""
    replaced = ("AWS_", "JUPYTER", "PYTHONPATH", "PYTHONHOME")
    own = {name: value for name, value in env.outer().items() if not name.startswith(replaced)}
    paths = {name: str(home / name.split("_")[1].lower()) for name in env.JUPYTER_FOLDERS}
    unproxied = ",".join(filter(None, (env.read(env.NO_PROXY), _LOCAL)))
    return {**own, **bucket, **paths, env.NO_PROXY: unproxied}


def _check_port(running: DetachedServer, port: int | None) -> None:
    if port not in (None, running.port):
        raise UsageError(
            f"{NAME} is already running at port {running.port}.",
            "`dr stop-loganalysis` stops it; then start it again.",
        )


def _free_port(port: int | None) -> int:
    """The given port, or the first free one from the usual one on. Raises DrError if it is in use."""
    wanted = range(PORT, PORT + _PORTS) if port is None else (port,)
    reasons = {each: detached_server.why_not_free(HOST, each) for each in wanted}
    for each, reason in reasons.items():
        if not reason:
            return each
    first = wanted[0]
    raise DrError(f"{NAME} cannot listen at port {first}: {reasons[first]}.", "Choose another one with -p.")
