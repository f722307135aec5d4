"""One Compose project or Swarm stack before it is resolved: its files and the values of their variables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from drcli.paths import compose_dir

StackKind = Literal["compose", "swarm"]  # which of Docker's two programs starts it


@dataclass(frozen=True)
class StackSpec:
    """`files` are names below `compose/`, in order; `variables` have no secrets, `secrets` are never shown or saved."""

    project: str  # deepracer-0, deepracer-eval-0, s3
    style: StackKind
    files: tuple[str, ...]
    variables: Mapping[str, str]
    replicas: Mapping[str, int]
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def environment(self) -> dict[str, str]:
        """The environment of `docker compose` and `docker stack`."""
        return {**self.variables, **self.secrets}

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files themselves."""
        return tuple(compose_dir() / name for name in self.files)

    def to_document(self) -> dict[str, Any]:
        """As plain values, with only the names of its secrets."""
        return {
            "project": self.project,
            "style": self.style,
            "files": list(self.files),
            "variables": dict(self.variables),
            "replicas": dict(self.replicas),
            "secrets": sorted(self.secrets),
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any], secrets: Mapping[str, str]) -> StackSpec:
        """The inverse of `to_document`; its secrets are taken from `secrets` if present."""
        known = {name: secrets[name] for name in document["secrets"] if name in secrets}
        return cls(**{**document, "files": tuple(document["files"]), "secrets": known})
