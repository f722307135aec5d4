"""The run folder of local processes: besides the plan, their pids and how they ended.

wire.json     CURVE keys of the run (0600)     state.json         written by the supervisor
scale.json    the last request for more or fewer replicas         <service>-<k>.exit   exit code of a service that ended
<service>-<k>.camera   the port of a worker's camera server
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
        """Whether the process is running."""
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
        """Whether any part of it is still running."""
        return any(replica.is_alive for replica in self.replicas) or (
            not self.is_over and self.supervisor.is_alive
        )

    @property
    def is_orphan(self) -> bool:
        """Whether the supervisor was killed before it finished."""
        return not self.is_over and not self.supervisor.is_alive

    def replica(self, replica: ServiceProcess, **changes: Any) -> SupervisedRun:
        """A copy with one replica changed."""
        new = replace(replica, **changes)
        return replace(self, replicas=tuple(new if r.name == replica.name else r for r in self.replicas))


@dataclass(frozen=True)
class ScaleRequest:
    """How many replicas of which services are wanted. `token` is different for each request."""

    token: str
    replicas: dict[str, int]


@dataclass(frozen=True)
class ProcessFolder(RunFolder):
    """A run folder with the files of supervisor and processes."""

    @classmethod
    def of(cls, workspace: Workspace, kind: RunKind, run_id: int) -> ProcessFolder:
        """Like `RunFolder.of`."""
        return cls.at(RunFolder.of(workspace, kind, run_id))

    @classmethod
    def at(cls, folder: RunFolder) -> ProcessFolder:
        """The process folder of a run folder."""
        return cls(folder.path, folder.logs)

    @property
    def wire_keys(self) -> Path:
        """CURVE keys of the run."""
        return self.path / "wire.json"

    @property
    def supervisor_log(self) -> Path:
        """The supervisor's log."""
        return self.logs / "supervisor.log"

    def exit_file(self, name: str) -> Path:
        """The file to which one process writes its exit code."""
        return self.path / f"{name}.exit"

    def camera_file(self, name: str) -> Path:
        """The file to which a worker writes the port of its camera server."""
        return self.path / f"{name}.camera"

    def exit_code(self, name: str) -> int | None:
        """The exit code that a process wrote; None if it crashed or is still running."""
        with suppress(OSError, ValueError):
            return int(self.exit_file(name).read_text())
        return None

    def has_ended(self, run: SupervisedRun) -> bool:
        """Whether a process has written an exit code that is not in the state yet."""
        return any(r.exit_code is None and self.exit_code(r.name) is not None for r in run.replicas)

    def request_replicas(self, service: str, number: int) -> None:
        """Ask the supervisor, or its successor, for `number` replicas of a service; does not wait."""
        before = self.read_request()
        replicas = {**(before.replicas if before else {}), service: number}
        write_private(self.path / "scale.json", asdict(ScaleRequest(secrets.token_hex(8), replicas)))

    def read_request(self) -> ScaleRequest | None:
        """The last request; None if there is none."""
        with suppress(OSError, ValueError, TypeError):
            return ScaleRequest(**json.loads((self.path / "scale.json").read_text()))
        return None

    def write_state(self, run: SupervisedRun) -> None:
        """Save the state of the run atomically."""
        write_private(self.path / "state.json", asdict(run))

    def read_state(self) -> SupervisedRun | None:
        """The state of the run; None if nothing was ever started here."""
        with suppress(OSError, ValueError, KeyError, TypeError):
            document = json.loads((self.path / "state.json").read_text())
            replicas = tuple(
                ServiceProcess(**{**r, "process": ProcessRef(**r["process"])}) for r in document["replicas"]
            )
            supervisor = ProcessRef(**document["supervisor"])
            return SupervisedRun(**{**document, "replicas": replicas, "supervisor": supervisor})
        return None
