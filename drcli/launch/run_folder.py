"""The folder of a run, `data/runs/<id>/<kind>/`: what was started, in which style, and how it ended; in any style.

plan.json     the plan, without secrets        outcome.json   how a stack of containers has ended, once it is removed
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drcli.contract.run_name import RunKind, project_name
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
        """Held while any run of the workspace is being started or a supervisor replaced."""
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

    @property
    def exists(self) -> bool:
        """Whether anything was ever started here."""
        return (self.path / "plan.json").is_file()

    def write_plan(self, plan: Plan) -> None:
        """Keep the plan for those who look after the run."""
        write_private(self.path / "plan.json", plan.document())

    def read_plan(self) -> dict[str, Any]:
        """The plan's document, which the launcher of its style reads as a whole."""
        document: dict[str, Any] = json.loads((self.path / "plan.json").read_text())
        return document

    def read_head(self) -> Plan:
        """What the plan says in any style."""
        return Plan(**head_of(self.read_plan()))

    def write_outcome(self, view: RunView) -> None:
        """Keep how the run has ended, as its services are taken away."""
        write_private(self.path / "outcome.json", view.document())

    def read_outcome(self) -> RunView | None:
        """How it has ended; None while nobody has written that down."""
        with suppress(OSError, ValueError, KeyError, TypeError):
            return RunView.from_document(json.loads((self.path / "outcome.json").read_text()))
        return None
