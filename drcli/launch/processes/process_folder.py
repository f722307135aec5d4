"""The run folder of local processes: beside the plan, under which pids they run and how they ended.

wire.json     CURVE keys of the run (0600)     state.json         written by the supervisor
scale.json    how many replicas were asked for since              <service>-<k>.exit   exit code of a service that ended
"""

from __future__ import annotations

import json
import secrets
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from drcli.contract.run_name import RunKind, replica_name
from drcli.launch.run_folder import RunFolder
from drcli.local import ProcessRef, write_private
from drcli.paths import Workspace

SupervisorState = Literal["starting", "running", "stopping", "ended", "failed"]


@dataclass(frozen=True)
class ServiceProcess:
    """One process of a service. `restarts`: how often it crashed; `exit_code`: None while it is expected to run."""

    service: str
    index: int
    process: ProcessRef
    restarts: int = 0
    exit_code: int | None = None

    @property
    def name(self) -> str:
        """`sagemaker`, `robomaker-1`, `robomaker-2`, …"""
        return replica_name(self.service, self.index)

    @property
    def is_alive(self) -> bool:
        """Whether the process runs."""
        return self.exit_code is None and self.process.is_alive


@dataclass(frozen=True)
class SupervisedRun:
    """What the supervisor knows about its run."""

    state: SupervisorState
    supervisor: ProcessRef
    started_at: float
    replicas: tuple[ServiceProcess, ...] = field(default_factory=tuple)
    message: str = ""
    hint: str = ""

    @property
    def is_over(self) -> bool:
        """Whether the supervisor has finished."""
        return self.state in ("ended", "failed")

    @property
    def is_alive(self) -> bool:
        """Whether anything of it still runs."""
        return any(replica.is_alive for replica in self.replicas) or (
            not self.is_over and self.supervisor.is_alive
        )

    @property
    def is_orphan(self) -> bool:
        """Whether the supervisor was killed before it had finished."""
        return not self.is_over and not self.supervisor.is_alive

    def replica(self, replica: ServiceProcess, **changes: Any) -> SupervisedRun:
        """The same with one replica changed."""
        new = replace(replica, **changes)
        return replace(self, replicas=tuple(new if r.name == replica.name else r for r in self.replicas))


@dataclass(frozen=True)
class ScaleRequest:
    """How many replicas of which services are wanted. `token`: another one each time that somebody asks."""

    token: str
    replicas: dict[str, int]


@dataclass(frozen=True)
class ProcessFolder(RunFolder):
    """A run folder with what supervisor and processes leave there."""

    @classmethod
    def of(cls, workspace: Workspace, kind: RunKind, run_id: int) -> ProcessFolder:
        """As `RunFolder.of`."""
        return cls.at(RunFolder.of(workspace, kind, run_id))

    @classmethod
    def at(cls, folder: RunFolder) -> ProcessFolder:
        """The same folder."""
        return cls(folder.path, folder.logs)

    @property
    def wire_keys(self) -> Path:
        """CURVE keys of the run."""
        return self.path / "wire.json"

    @property
    def supervisor_log(self) -> Path:
        """What the supervisor has to say."""
        return self.logs / "supervisor.log"

    def exit_file(self, name: str) -> Path:
        """Where one process leaves its exit code."""
        return self.path / f"{name}.exit"

    def exit_code(self, name: str) -> int | None:
        """The code a process has left; None when it crashed or still runs."""
        with suppress(OSError, ValueError):
            return int(self.exit_file(name).read_text())
        return None

    def has_ended(self, run: SupervisedRun) -> bool:
        """Whether a process has left its exit code, which nobody has taken note of yet."""
        return any(r.exit_code is None and self.exit_code(r.name) is not None for r in run.replicas)

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

    def write_state(self, run: SupervisedRun) -> None:
        """Keep the state of the run; whole or not at all."""
        write_private(self.path / "state.json", asdict(run))

    def read_state(self) -> SupervisedRun | None:
        """The state of the run; None when nothing was ever started here."""
        with suppress(OSError, ValueError, KeyError, TypeError):
            document = json.loads((self.path / "state.json").read_text())
            replicas = tuple(
                ServiceProcess(**{**r, "process": ProcessRef(**r["process"])}) for r in document["replicas"]
            )
            supervisor = ProcessRef(**document["supervisor"])
            return SupervisedRun(**{**document, "replicas": replicas, "supervisor": supervisor})
        return None
