"""Starts, finds and stops log analysis where the services of the style run: `dr start-loganalysis` and its kin."""

from __future__ import annotations

from collections.abc import Iterator

from drcli.config.settings import Settings
from drcli.errors import DrError
from drcli.launch.analysis.analysis_environment import Talk
from drcli.launch.analysis.notebook_process import NotebookProcess
from drcli.launch.analysis.notebook_server import NAME, Address, NotebookServer
from drcli.launch.launcher import launcher_of
from drcli.paths import Workspace


def start(settings: Settings, workspace: Workspace, port: int | None, talk: Talk) -> Address:
    """Start it unless it is running, and wait until it responds. Idempotent.

    port: default 8888; for a process the next free one. The first start takes minutes.

    Raises:
        UsageError: it is running at another port.
        DrError: packages or image cannot be downloaded, the bucket cannot be opened, or it does not start.
    """
    return _server(settings, workspace).start(port, talk)


def url(settings: Settings, workspace: Workspace) -> str:
    """The address with the token. Raises DrError if it is not running."""
    found = _server(settings, workspace).url()
    if not found:
        raise DrError(f"{NAME} is not running.", "Start it: `dr start-loganalysis`.")
    return found


def stop(settings: Settings, workspace: Workspace) -> bool:
    """Stop it, also a process from before the style was changed; False if it was not running. Idempotent."""
    process = NotebookProcess(settings, workspace).stop()
    return _server(settings, workspace).stop() or process


def log(settings: Settings, workspace: Workspace, tail: int, *, follow: bool) -> Iterator[str]:
    """The last `tail` lines of its log (0: all); with `follow`, new ones until it stops."""
    return _server(settings, workspace).log(tail, follow=follow)


def _server(settings: Settings, workspace: Workspace) -> NotebookServer:
    network = launcher_of(settings.docker_style).shared_network
    if network is None:
        return NotebookProcess(settings, workspace)
    from drcli.launch.analysis.notebook_container import NotebookContainer

    return NotebookContainer(settings, workspace, network)
