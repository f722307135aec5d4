"""The run folder of a process stack, `data/runs/<id>/<kind>/`: what was started, under which pids, how it ended.

plan.json     the Plan, without secrets        state.json   written by the supervisor
wire.json     CURVE keys of the run (0600)     <service>-<k>.exit   exit code, written by a service that ends
scale.json    how many replicas were asked for since
"""

from __future__ import annotations

import json
import secrets
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from drcli.launch.plan import Kind, Plan
from drcli.launch.view import ReplicaView, StackView
from drcli.local import ProcessRef, write_private
from drcli.paths import Workspace

StackState = Literal["starting", "running", "stopping", "ended", "failed"]


@dataclass(frozen=True)
class Replica:
    """One process of a service. `restarts`: how often it crashed; `exit_code`: None while it is expected to run."""

    service: str
    index: int
    process: ProcessRef
    restarts: int = 0
    exit_code: int | None = None

    @property
    def name(self) -> str:
        """`sagemaker`, `robomaker-1`, `robomaker-2`, …"""
        return self.name_of(self.service, self.index)

    @staticmethod
    def name_of(service: str, index: int) -> str:
        """The name of a replica."""
        return service if service in ("sagemaker", "rl_coach") else f"{service}-{index + 1}"

    @property
    def is_alive(self) -> bool:
        """Whether the process runs."""
        return self.exit_code is None and self.process.is_alive


@dataclass(frozen=True)
class Stack:
    """What the supervisor knows about its stack."""

    state: StackState
    supervisor: ProcessRef
    started_at: float
    replicas: tuple[Replica, ...] = field(default_factory=tuple)
    message: str = ""
    hint: str = ""

    @property
    def is_over(self) -> bool:
        """Whether the supervisor has finished."""
        return self.state in ("ended", "failed")

    @property
    def is_alive(self) -> bool:
        """Whether anything of the stack still runs."""
        return any(replica.is_alive for replica in self.replicas) or (
            not self.is_over and self.supervisor.is_alive
        )

    @property
    def is_orphan(self) -> bool:
        """Whether the supervisor was killed before it had finished."""
        return not self.is_over and not self.supervisor.is_alive

    def replica(self, replica: Replica, **changes: Any) -> Stack:
        """The same stack with one replica changed."""
        new = replace(replica, **changes)
        return replace(self, replicas=tuple(new if r.name == replica.name else r for r in self.replicas))


@dataclass(frozen=True)
class ScaleRequest:
    """How many replicas of which services are wanted. `token`: another one each time that somebody asks."""

    token: str
    replicas: dict[str, int]


@dataclass(frozen=True)
class RunFolder:
    """Paths and documents of one run."""

    path: Path
    logs: Path

    @classmethod
    def of(cls, workspace: Workspace, kind: Kind, run_id: int) -> RunFolder:
        """The folder of a run in a workspace."""
        return cls(workspace.runs / str(run_id) / kind, workspace.logs / str(run_id) / kind)

    @property
    def kind(self) -> Kind:
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
        """The stack's name, as DeepRacer-for-Cloud has it."""
        return f"deepracer-{self.run_id}" if self.kind == "training" else f"deepracer-eval-{self.run_id}"

    @property
    def main(self) -> str:
        """The service whose end is the end of the run."""
        return str(self.read_plan()["main"])

    @property
    def lock(self) -> Path:
        """Held while any run of the workspace is being started or a supervisor replaced."""
        return self.path.parent.parent / ".lock"

    @property
    def wire_keys(self) -> Path:
        """CURVE keys of the run."""
        return self.path / "wire.json"

    @property
    def supervisor_log(self) -> Path:
        """What the supervisor has to say."""
        return self.logs / "supervisor.log"

    def log(self, name: str) -> Path:
        """The log of one process."""
        return self.logs / f"{name}.log"

    def exit_file(self, name: str) -> Path:
        """Where one process leaves its exit code."""
        return self.path / f"{name}.exit"

    def exit_code(self, name: str) -> int | None:
        """The code a process has left; None when it crashed or still runs."""
        with suppress(OSError, ValueError):
            return int(self.exit_file(name).read_text())
        return None

    def has_ended(self, stack: Stack) -> bool:
        """Whether a process has left its exit code, which nobody has taken note of yet."""
        return any(r.exit_code is None and self.exit_code(r.name) is not None for r in stack.replicas)

    @property
    def exists(self) -> bool:
        """Whether anything was ever started here."""
        return (self.path / "plan.json").is_file()

    @property
    def started_at(self) -> float:
        """When it was started last, in seconds since the epoch; 0 when it never was."""
        with suppress(FileNotFoundError):
            return (self.path / "plan.json").stat().st_mtime
        return 0.0

    def write_plan(self, plan: Plan) -> None:
        """Keep the plan for those who look after the run."""
        write_private(self.path / "plan.json", plan.document())

    def read_plan(self) -> dict[str, Any]:
        """The plan's document."""
        document: dict[str, Any] = json.loads((self.path / "plan.json").read_text())
        return document

    def write_outcome(self, view: StackView) -> None:
        """Keep how a stack of containers has ended, as they are removed."""
        write_private(self.path / "outcome.json", asdict(view))

    def read_outcome(self) -> StackView | None:
        """How it has ended; None while nobody has written that down."""
        with suppress(OSError, ValueError, KeyError, TypeError):
            document = json.loads((self.path / "outcome.json").read_text())
            replicas = tuple(ReplicaView(**replica) for replica in document["replicas"])
            return StackView(**{**document, "replicas": replicas})
        return None

    def request_replicas(self, service: str, number: int) -> None:
        """Ask the supervisor, or its successor, for so many replicas of a service; does not wait."""
        before = self.read_request()
        replicas = {**(before.replicas if before else {}), service: number}
        write_private(self.path / "scale.json", asdict(ScaleRequest(secrets.token_hex(8), replicas)))

    def read_request(self) -> ScaleRequest | None:
        """What was asked for last; None while nothing was."""
        with suppress(OSError, ValueError, TypeError):
            return ScaleRequest(**json.loads((self.path / "scale.json").read_text()))
        return None

    def write_stack(self, stack: Stack) -> None:
        """Keep the state of the stack; whole or not at all."""
        write_private(self.path / "state.json", asdict(stack))

    def read_stack(self) -> Stack | None:
        """The state of the stack; None when nothing was ever started here."""
        with suppress(OSError, ValueError, KeyError, TypeError):
            document = json.loads((self.path / "state.json").read_text())
            replicas = tuple(
                Replica(**{**r, "process": ProcessRef(**r["process"])}) for r in document["replicas"]
            )
            supervisor = ProcessRef(**document["supervisor"])
            return Stack(**{**document, "replicas": replicas, "supervisor": supervisor})
        return None
