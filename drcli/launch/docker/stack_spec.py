"""One Compose project or Swarm stack before it is resolved: which files, and what their variables stand for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from drcli.paths import compose_dir

StackKind = Literal["compose", "swarm"]  # which of Docker's two programs starts it


@dataclass(frozen=True)
class StackSpec:
    """Files are names below `compose/`, in order; `variables` have no secrets, `secrets` are never shown or kept."""

    project: str  # deepracer-0, deepracer-eval-0, s3
    style: StackKind
    files: tuple[str, ...]
    variables: Mapping[str, str]
    replicas: Mapping[str, int]
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def environment(self) -> dict[str, str]:
        """What `docker compose` and `docker stack` find in their environment."""
        return {**self.variables, **self.secrets}

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files themselves."""
        return tuple(compose_dir() / name for name in self.files)

    def to_document(self) -> dict[str, Any]:
        """As plain values, with the names of its secrets only."""
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
        """The inverse of `to_document`; its secrets are taken from `secrets`, as far as they are there."""
        known = {name: secrets[name] for name in document["secrets"] if name in secrets}
        return cls(**{**document, "files": tuple(document["files"]), "secrets": known})
