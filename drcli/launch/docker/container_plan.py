"""The plan of a run in containers: compose files and the values of their variables. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from drcli.contract.run_name import COACH, TRAINER, WORKER
from drcli.launch import simapp
from drcli.launch.docker.community_stacks import community_stack
from drcli.launch.docker.deployment import Deployment
from drcli.launch.docker.images import image_of
from drcli.launch.docker.minio_spec import minio_spec
from drcli.launch.docker.own_stacks import own_stack
from drcli.launch.docker.stack_spec import StackSpec
from drcli.launch.launcher import RunRequest
from drcli.launch.machine import Snapshot
from drcli.launch.plan import Plan, head_of
from drcli.launch.store_access import is_minio


@dataclass(frozen=True, kw_only=True)
class ContainerPlan(Plan):
    """A stack, the image of its services, and the stacks beside it, which is that of the store."""

    spec: StackSpec
    image: str
    beside: tuple[StackSpec, ...] = ()

    def document(self) -> dict[str, Any]:
        """As plain values, with only the names of the secrets."""
        return super().document() | {
            "spec": self.spec.to_document(),
            "image": self.image,
            "beside": [spec.to_document() for spec in self.beside],
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any], secrets: Mapping[str, str]) -> Self:
        """The inverse of `document`; the stack's secrets are taken from `secrets` if present."""
        return cls(
            **head_of(document),
            spec=StackSpec.from_document(document["spec"], secrets),
            image=document["image"],
            beside=tuple(StackSpec.from_document(spec, {}) for spec in document.get("beside", ())),
        )


def plan_containers(request: RunRequest, snapshot: Snapshot, deployment: Deployment) -> ContainerPlan:
    """The stack of our engine or the community's, and that of the store."""
    settings = request.settings
    is_ours, uses_minio = simapp.is_ours(settings), is_minio(settings)
    stack = own_stack if is_ours else community_stack
    trainer = TRAINER if is_ours else COACH
    store = minio_spec(settings, request.workspace, snapshot.credentials or {}, snapshot.machine.owner)
    return ContainerPlan(
        **request.head,
        main=trainer if request.kind == "training" else WORKER,
        is_ours=is_ours,
        uses_store=uses_minio,
        spec=stack(request, snapshot, deployment),
        image=image_of(settings),
        beside=(store,) if uses_minio else (),
    )
