"""What every launcher tells about a stack: its state, its replicas, and why it failed. Commands read nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

StackState = Literal["starting", "running", "stopping", "ended", "failed", "lost"]


@dataclass(frozen=True)
class ReplicaView:
    """One process, container or task. `pid`, `container` and `node` tell where it is, as far as they apply."""

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
class StackView:
    """A stack as it is now. `is_orphan`: its supervisor was killed; `stack.revive` gives it a new one."""

    state: StackState
    replicas: tuple[ReplicaView, ...] = field(default_factory=tuple)
    message: str = ""
    hint: str = ""
    is_orphan: bool = False

    @property
    def is_over(self) -> bool:
        """Whether it has ended, well or not."""
        return self.state in ("ended", "failed", "lost")

    @property
    def is_alive(self) -> bool:
        """Whether anything of it still runs, or is about to."""
        return any(replica.state in ("starting", "running") for replica in self.replicas) or not self.is_over
