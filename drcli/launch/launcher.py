"""What a style of running services (DR_DOCKER_STYLE) has to be able to do: plan, check, start, read, stop, scale, log.

A launcher is a class in `drcli.tables.LAUNCHERS`, made without arguments. What callers want to know of a style they
ask it; nobody asks which style it is.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

from drcli.config.load import load_workers
from drcli.config.settings import Settings
from drcli.contract.run_name import RunKind
from drcli.launch import machine
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
    """What is to be planned. `workers`: the settings of workers 2, 3, … of a multi-config run."""

    kind: RunKind
    settings: Settings
    workspace: Workspace
    prefix: str
    workers: tuple[Settings, ...] = ()

    @classmethod
    def training(cls, settings: Settings, workspace: Workspace) -> RunRequest:
        """A training of the model that the settings name. DrError: the file of a worker is missing or wrong."""
        workers = load_workers(workspace, settings)
        return cls("training", settings, workspace, settings.local_s3_model_prefix, workers)


class ImageToBuild(NamedTuple):
    """An image of ours that has to be built before a start, and why."""

    image: str
    reason: str


class Launcher(ABC, Generic[PlanT]):
    """One style, and what is true of a style unless it says otherwise. All find a run by its run folder."""

    own_store: ClassVar[OwnStore] = EmbeddedStore()  # holds the bucket with DR_CLOUD=local
    needs_docker: ClassVar[bool] = False
    spans_machines: ClassVar[bool] = False  # services may run on other machines than this
    poll_s: ClassVar[float] = 0.25  # between two looks of somebody who follows a run

    def check_settings(self, settings: Settings) -> None:
        """UsageError for settings that cannot be run in this style."""

    def image(self, settings: Settings) -> str:
        """The image that services are started from; empty: none. UsageError: the settings do not name one."""
        return ""

    def has_image(self, image: str) -> bool:
        """Whether an image is at hand. DrError where that cannot be known."""
        return not image

    def image_to_build(self, settings: Settings) -> ImageToBuild | None:
        """The image of ours that is missing or outdated. DrError when it would not help to have it."""
        return None

    def look(self, settings: Settings, workspace: Workspace) -> Snapshot:
        """What planning needs to know of this machine. Never refuses: what is missing is told in the snapshot."""
        return machine.look(settings, workspace)

    @abstractmethod
    def plan(self, request: RunRequest, snapshot: Snapshot) -> PlanT:
        """What would be started. Pure."""

    @abstractmethod
    def read_plan(self, folder: RunFolder) -> PlanT:
        """The plan that `start` was given, without secrets."""

    @abstractmethod
    def describe(self, plan: PlanT) -> list[dict[str, Any]]:
        """The stacks of a plan for `--dry-run`, secrets masked: project, style, services, replicas of each."""

    @abstractmethod
    def check(self, plan: PlanT, workspace: Workspace) -> None:
        """DrError when the run cannot be started here; touches nothing."""

    def claim(self, project: str) -> AbstractContextManager[None]:
        """Hold a project's name against other workspaces while it is started, where they share an engine."""
        return nullcontext()

    @abstractmethod
    def start(self, plan: PlanT, folder: RunFolder) -> None:
        """Start all services; they may not be ready yet. DrError, and nothing left behind, when that fails."""

    @abstractmethod
    def read(self, folder: RunFolder) -> RunView | None:
        """The run as it is; None when nothing was ever started."""

    @abstractmethod
    def stop(self, folder: RunFolder) -> None:
        """End it in good order, wait for it, take it away; its logs stay. Idempotent."""

    @abstractmethod
    def scale(self, folder: RunFolder, replicas: int) -> None:
        """Change the number of workers and wait until they are there."""

    @abstractmethod
    def log(
        self, folder: RunFolder, name: str, tail: int, goes_on: Callable[[], bool] | None
    ) -> Iterator[str]:
        """The last `tail` lines of one replica's log (0: all); with `goes_on` also those that come."""

    def revive(self, folder: RunFolder, settings: Settings, workspace: Workspace) -> bool:
        """Look after a run again that nobody looks after any more; False where none is to be revived."""
        return False


def launcher_of(style: str) -> Launcher[Any]:
    """The launcher of a style, imported when it is wanted. UsageError when there is none."""
    launcher: Launcher[Any] = LAUNCHERS.load(style)()
    return launcher
