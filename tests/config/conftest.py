from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from drcli.paths import Workspace

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
