"""What every launcher reports about a run: its state, its replicas, and why it failed. Commands read nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

LaunchState = Literal["starting", "running", "stopping", "ended", "failed", "lost"]


@dataclass(frozen=True)
class ReplicaView:
    """One process, container or task. `pid`, `container` and `node` say where it runs, if they apply."""

    name: str  # sagemaker, robomaker-1, …
    service: str
    state: Literal["starting", "running", "ended", "down"]
    restarts: int = 0
    exit_code: int | None = None
    pid: int | None = None
    container: str | None = None
    node: str | None = None
    message: str = ""


@dataclass(frozen=True)
class RunView:
    """The current state of a run. `is_orphan`: its supervisor was killed; `run_control.revive` gives it a new one."""

    state: LaunchState
    replicas: tuple[ReplicaView, ...] = field(default_factory=tuple)
    message: str = ""
    hint: str = ""
    is_orphan: bool = False

    @property
    def is_over(self) -> bool:
        """Whether it has ended, successfully or not."""
        return self.state in ("ended", "failed", "lost")

    @property
    def is_alive(self) -> bool:
        """Whether any part of it is running or about to start."""
        return any(replica.state in ("starting", "running") for replica in self.replicas) or not self.is_over

    def document(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> RunView:
        """The inverse of `document`. Raises KeyError or TypeError for an invalid document."""
        replicas = tuple(ReplicaView(**replica) for replica in document["replicas"])
        return cls(**{**document, "replicas": replicas})

    def as_ended(self) -> RunView:
        """The view to save when the services of the run are removed."""
        ended = tuple(
            ReplicaView(r.name, r.service, "ended", r.restarts, exit_code=r.exit_code) for r in self.replicas
        )
        return RunView(self.state if self.is_over else "ended", ended, self.message, self.hint)
