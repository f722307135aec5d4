"""What the plan of a run says in every style; the rest is the payload of the style, which only its launcher reads.

A plan is a frozen dataclass below `Plan`. It is written to the run folder as plain values, without secrets.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from drcli.contract.run_name import TRAINER, RunKind, project_name


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The head of every plan.

    main: the service whose end is the end of the run; is_ours: it runs our engine, which reports its progress;
    uses_store: the workspace's own store has to run for it.
    """

    kind: RunKind
    run_id: int
    prefix: str
    world_name: str
    style: str
    main: str = TRAINER
    is_ours: bool = True
    uses_store: bool = False

    @property
    def project(self) -> str:
        """The name of the run's stack, as DeepRacer-for-Cloud has it."""
        return project_name(self.kind, self.run_id)

    @property
    def head(self) -> Plan:
        """What is common to all styles, alone."""
        return Plan(**{field.name: getattr(self, field.name) for field in fields(Plan)})

    def document(self) -> dict[str, Any]:
        """As plain values, without secrets. A style adds its payload."""
        return {field.name: getattr(self, field.name) for field in fields(Plan)}


def head_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a plan's head in its document: arguments of any style's plan. Others are left out."""
    return {field.name: document[field.name] for field in fields(Plan) if field.name in document}
