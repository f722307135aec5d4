"""Input and output of the checks: a check takes a Subject and yields CheckResults; a Finding adds the area."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from drcli.config.settings import Settings
from drcli.launch.launcher import launcher_of
from drcli.launch.simapp import is_ours
from drcli.paths import Workspace

Level = Literal["ok", "warning", "error"]
GB = 1e9


@dataclass(frozen=True)
class Finding:
    """One line of the report. `fix`: the command or change that fixes the problem; empty if there is none."""

    area: str
    level: Level
    message: str
    fix: str = ""


class CheckResult(NamedTuple):
    """One result of a check."""

    level: Level
    message: str
    fix: str = ""


def ok(message: str) -> CheckResult:
    """No problem found."""
    return CheckResult("ok", message)


def warning(message: str, fix: str) -> CheckResult:
    """A run will start, but may not do what the user expects."""
    return CheckResult("warning", message, fix)


def error(message: str, fix: str) -> CheckResult:
    """A run would not start or would fail."""
    return CheckResult("error", message, fix)


@dataclass(frozen=True)
class Needs:
    """What a run needs, in gigabytes (1e9 bytes).

    Our engine, measured with the default model: trainer 0.5, a worker with 16 cars 0.6, store 0.1, bucket of a
    short run 0.2. The community's engine: as reported by its users, 30 to 40 of disk space.
    """

    run_disk: float = 0.5  # minimum
    comfortable_disk: float = 2.0
    own_image_disk: float = 4.0
    own_gpu_image_disk: float = 15.0
    community_image_disk: float = 40.0
    own_memory: float = 0.8
    own_worker_memory: float = 0.6
    community_memory: float = 4.0
    community_worker_memory: float = 3.0


@dataclass(frozen=True)
class Subject:
    """What is checked. Without a workspace or readable settings: the machine, with default settings."""

    settings: Settings
    workspace: Workspace | None = None
    needs: Needs = field(default_factory=Needs)

    @property
    def uses_docker(self) -> bool:
        """Whether services run in containers."""
        return launcher_of(self.settings.docker_style).needs_docker

    @property
    def is_swarm(self) -> bool:
        """Whether services run on a Swarm."""
        return launcher_of(self.settings.docker_style).spans_machines

    @property
    def is_ours(self) -> bool:
        """Whether the engine is drcli's own."""
        return is_ours(self.settings)

    @property
    def memory_gb(self) -> float:
        """Memory that the run needs with all its workers."""
        needs, workers = self.needs, self.settings.workers
        if self.is_ours:
            return needs.own_memory + workers * needs.own_worker_memory
        return needs.community_memory + workers * needs.community_worker_memory
