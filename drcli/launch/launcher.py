"""The interface of a style (DR_DOCKER_STYLE): plan, check, start, read, stop, scale, log.

A launcher is a class in `drcli.tables.LAUNCHERS` whose constructor takes no arguments. Callers ask the launcher what
its style can do and never check which style it is.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Literal, NamedTuple, TypeVar

import psutil

from drcli.config.load import load_workers
from drcli.config.settings import Settings
from drcli.contract.run_name import RunKind
from drcli.launch import machine
from drcli.launch.camera_address import CameraAddress
from drcli.launch.machine import Snapshot
from drcli.launch.own_store import EmbeddedStore, OwnStore
from drcli.launch.plan import Plan
from drcli.launch.run_folder import RunFolder
from drcli.launch.run_view import RunView
from drcli.paths import Workspace
from drcli.tables import LAUNCHERS

PlanT = TypeVar("PlanT", bound=Plan)


@dataclass(frozen=True)
class RunRequest:
    """The run to plan. `workers`: the settings of workers 2, 3, … of a multi-config run.

    cores: how many of the machine's it may keep busy; None: all.
    """

    kind: RunKind
    settings: Settings
    workspace: Workspace
    prefix: str
    workers: tuple[Settings, ...] = ()
    cores: int | None = None

    @property
    def head(self) -> dict[str, Any]:
        """The fields of `Plan` that follow from the request alone, as arguments for any style's plan."""
        return {
            "kind": self.kind,
            "run_id": self.settings.run_id,
            "prefix": self.prefix,
            "world_name": self.settings.world_name,
            "style": self.settings.docker_style,
        }

    @classmethod
    def training(cls, settings: Settings, workspace: Workspace, cores: int | None = None) -> RunRequest:
        """A training of the model named in the settings. Raises DrError if a worker's file is missing or invalid."""
        workers = load_workers(workspace, settings)
        return cls("training", settings, workspace, settings.local_s3_model_prefix, workers, cores)


class Capacity(NamedTuple):
    """What runs can use: cores, bytes of memory, and whose they are, in words."""

    cores: int
    memory_bytes: int
    words: str = "this machine"


class ImageToBuild(NamedTuple):
    """An image of ours that has to be built before a start, and why."""

    image: str
    reason: str


class Launcher(ABC, Generic[PlanT]):
    """One style; the defaults here apply unless a style overrides them. All styles find a run by its run folder."""

    own_store: ClassVar[OwnStore] = EmbeddedStore()  # serves the bucket with DR_CLOUD=local
    needs_docker: ClassVar[bool] = False
    spans_machines: ClassVar[bool] = False  # services may run on other machines
    # Whose network services are on; None: this machine's own.
    shared_network: ClassVar[Literal["compose", "swarm"] | None] = None
    poll_s: ClassVar[float] = 0.25  # polling interval while a run is followed

    def check_settings(self, settings: Settings) -> None:
        """Raises UsageError for settings that cannot be run in this style."""

    def image(self, settings: Settings) -> str:
        """The image of the services; empty if they need none. Raises UsageError if the settings do not name one."""
        return ""

    def has_image(self, image: str) -> bool:
        """Whether an image is available. Raises DrError if that cannot be determined."""
        return not image

    def image_to_build(self, settings: Settings) -> ImageToBuild | None:
        """Our image if it is missing or outdated. Raises DrError if building it would not help."""
        return None

    def capacity(self) -> Capacity:
        """What all runs together can use. Raises DrError if that cannot be determined."""
        return Capacity(os.cpu_count() or 1, psutil.virtual_memory().available)

    def look(self, settings: Settings, workspace: Workspace) -> Snapshot:
        """What planning needs to know about this machine. Never raises: the snapshot lists what is missing."""
        return machine.look(settings, workspace)

    @abstractmethod
    def plan(self, request: RunRequest, snapshot: Snapshot) -> PlanT:
        """What would be started. Pure."""

    @abstractmethod
    def read_plan(self, folder: RunFolder) -> PlanT:
        """The plan passed to `start`, without secrets."""

    @abstractmethod
    def describe(self, plan: PlanT) -> list[dict[str, Any]]:
        """The stacks of a plan for `--dry-run`, secrets masked: project, style, services, replicas of each."""

    @abstractmethod
    def check(self, plan: PlanT, workspace: Workspace) -> None:
        """Raises DrError if the run cannot be started here; changes nothing."""

    def claim(self, project: str) -> AbstractContextManager[None]:
        """Reserve a project's name while it is started, if other workspaces share the engine."""
        return nullcontext()

    def begin_early(self, kind: RunKind) -> AbstractContextManager[None]:
        """While this is entered, whatever `start` can do without a plan goes on in the background."""
        return nullcontext()

    @abstractmethod
    def start(self, plan: PlanT, folder: RunFolder) -> None:
        """Start all services; they may not be ready yet. Raises DrError on failure and leaves nothing behind."""

    @abstractmethod
    def read(self, folder: RunFolder) -> RunView | None:
        """The current state of the run; None if nothing was ever started."""

    @abstractmethod
    def stop(self, folder: RunFolder) -> None:
        """Stop it gracefully, wait for it and remove it; its logs stay. Idempotent."""

    @abstractmethod
    def scale(self, folder: RunFolder, replicas: int) -> None:
        """Change the number of workers and wait until they are running."""

    @abstractmethod
    def log(
        self, folder: RunFolder, name: str, tail: int, goes_on: Callable[[], bool] | None
    ) -> Iterator[str]:
        """The last `tail` lines of one replica's log (0: all); with `goes_on`, new lines while it returns True."""

    def cameras(self, folder: RunFolder) -> tuple[CameraAddress, ...]:
        """Where programs on this machine reach the pictures of each worker, by name; empty if there are none."""
        return ()

    def revive(self, folder: RunFolder, settings: Settings, workspace: Workspace) -> bool:
        """Give a run without a supervisor a new one. False if there is nothing to revive."""
        return False


def launcher_of(style: str) -> Launcher[Any]:
    """The launcher of a style, imported on demand. Raises UsageError for an unknown style."""
    launcher: Launcher[Any] = LAUNCHERS.load(style)()
    return launcher
