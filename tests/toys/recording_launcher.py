"""A toy style: nothing runs, all that it is asked is written down. Registered by one line in entry_points.txt."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from drcli.contract.run_name import TRAINER, WORKER, replica_name
from drcli.launch.launcher import Launcher, RunRequest
from drcli.launch.machine import Snapshot
from drcli.launch.plan import Plan, head_of
from drcli.launch.run_folder import RunFolder
from drcli.launch.run_view import ReplicaView, RunView
from drcli.paths import Workspace


@dataclass(frozen=True, kw_only=True)
class RecordedPlan(Plan):
    """The payload: how many of each service."""

    replicas: Mapping[str, int]
    seed: int | None

    def document(self) -> dict[str, Any]:
        return super().document() | {"replicas": dict(self.replicas), "seed": self.seed}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        return cls(**head_of(document), replicas=document["replicas"], seed=document["seed"])


class RecordingLauncher(Launcher[RecordedPlan]):
    """Of each run the file `asked` lists what was asked, `running` what it is taken for."""

    def plan(self, request: RunRequest, snapshot: Snapshot) -> RecordedPlan:
        settings = request.settings
        services = {TRAINER: 1, WORKER: settings.workers} if request.kind == "training" else {WORKER: 1}
        return RecordedPlan(
            **request.head,
            main=next(iter(services)),
            is_ours=False,  # nobody reports a progress
            uses_store=True,
            replicas=services,
            seed=settings.seed,
        )

    def read_plan(self, folder: RunFolder) -> RecordedPlan:
        return RecordedPlan.from_document(folder.read_plan())

    def describe(self, plan: RecordedPlan) -> list[dict[str, Any]]:
        services = {name: {"environment": {"SEED": str(plan.seed)}} for name in plan.replicas}
        return [
            {
                "project": plan.project,
                "style": plan.style,
                "services": services,
                "replicas": dict(plan.replicas),
            }
        ]

    def check(self, plan: RecordedPlan, workspace: Workspace) -> None:
        pass

    def start(self, plan: RecordedPlan, folder: RunFolder) -> None:
        self._record(folder, "start")
        self._write(folder, plan.replicas)

    def read(self, folder: RunFolder) -> RunView | None:
        numbers = json.loads((folder.path / "running").read_text())
        names = [(s, replica_name(s, index)) for s, number in numbers.items() for index in range(number)]
        view = RunView("running", tuple(ReplicaView(name, service, "running") for service, name in names))
        return view if numbers else replace(view, state="ended")

    def stop(self, folder: RunFolder) -> None:
        self._record(folder, "stop")
        self._write(folder, {})

    def scale(self, folder: RunFolder, replicas: int) -> None:
        self._record(folder, f"scale {replicas}")
        self._write(folder, {**self.read_plan(folder).replicas, WORKER: replicas})

    def log(
        self, folder: RunFolder, name: str, tail: int, goes_on: Callable[[], bool] | None
    ) -> Iterator[str]:
        return iter([f"{name} was started by nobody."])

    def _record(self, folder: RunFolder, what: str) -> None:
        with (folder.path / "asked").open("a") as file:
            file.write(f"{what}\n")

    def _write(self, folder: RunFolder, numbers: Mapping[str, int]) -> None:
        (folder.path / "running").write_text(json.dumps(dict(numbers)))
