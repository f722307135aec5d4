"""The folder of a run in any style, `data/runs/<id>/<kind>/`: what was started, in which style, and how it ended.

plan.json     the plan, without secrets        outcome.json   how a stack of containers ended, once it is removed
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drcli.contract.run_name import RunKind, project_name, reward_log_name
from drcli.launch.plan import Plan, head_of
from drcli.launch.run_view import RunView
from drcli.local import write_private
from drcli.paths import Workspace


@dataclass(frozen=True)
class RunFolder:
    """Paths and documents of one run."""

    path: Path
    logs: Path

    @classmethod
    def of(cls, workspace: Workspace, kind: RunKind, run_id: int) -> RunFolder:
        """The folder of a run in a workspace."""
        return cls(workspace.runs / str(run_id) / kind, workspace.logs / str(run_id) / kind)

    @property
    def kind(self) -> RunKind:
        """`training` or `evaluation`."""
        return "training" if self.path.name == "training" else "evaluation"

    @property
    def run_id(self) -> int:
        """The run's number."""
        return int(self.path.parent.name)

    @property
    def workspace(self) -> Path:
        """The root of the workspace."""
        return self.path.parents[3]

    @property
    def project(self) -> str:
        """The name of the run's stack."""
        return project_name(self.kind, self.run_id)

    @property
    def lock(self) -> Path:
        """Held while a run of the workspace is started or a supervisor is replaced."""
        return self.path.parent.parent / ".lock"

    @property
    def started_at(self) -> float:
        """When the run was last started, in seconds since the epoch; 0 if never."""
        with suppress(FileNotFoundError):
            return (self.path / "plan.json").stat().st_mtime
        return 0.0

    def log(self, name: str) -> Path:
        """The log of one replica."""
        return self.logs / f"{name}.log"

    def reward_log(self, name: str) -> Path:
        """What the reward function printed in one worker."""
        return self.logs / reward_log_name(name)

    @property
    def exists(self) -> bool:
        """Whether anything was ever started here."""
        return (self.path / "plan.json").is_file()

    def write_plan(self, plan: Plan) -> None:
        """Save the plan for later commands and the supervisor."""
        write_private(self.path / "plan.json", plan.document())

    def read_plan(self) -> dict[str, Any]:
        """The plan's whole document, for the launcher of its style."""
        document: dict[str, Any] = json.loads((self.path / "plan.json").read_text())
        return document

    def read_head(self) -> Plan:
        """The part of the plan that all styles share."""
        return Plan(**head_of(self.read_plan()))

    def write_outcome(self, view: RunView) -> None:
        """Save how the run ended before its services are removed."""
        write_private(self.path / "outcome.json", view.document())

    def read_outcome(self) -> RunView | None:
        """How the run ended; None until that has been saved."""
        with suppress(OSError, ValueError, KeyError, TypeError):
            return RunView.from_document(json.loads((self.path / "outcome.json").read_text()))
        return None
