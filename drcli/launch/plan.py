"""The part of a run's plan that is common to all styles; the rest is read only by the launcher of its style.

A plan is a frozen dataclass derived from `Plan`. It is written to the run folder as plain values, without secrets.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from drcli.contract.run_name import TRAINER, RunKind, project_name


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The head of every plan.

    main: the run ends when this service ends; is_ours: it runs our engine, which reports its progress;
    uses_store: it needs the workspace's own store.
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
        """The name of the run's stack, as in DeepRacer-for-Cloud."""
        return project_name(self.kind, self.run_id)

    @property
    def head(self) -> Plan:
        """Only the fields that all styles share."""
        return Plan(**{field.name: getattr(self, field.name) for field in fields(Plan)})

    def document(self) -> dict[str, Any]:
        """As plain values, without secrets. A style adds its own fields."""
        return {field.name: getattr(self, field.name) for field in fields(Plan)}


def head_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """The values of the `Plan` fields in a document, as arguments for any style's plan. Other values are left out."""
    return {field.name: document[field.name] for field in fields(Plan) if field.name in document}
