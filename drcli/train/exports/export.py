"""The interface of export formats."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from drcli.config.model_metadata import ModelMetadata
from drcli.tables import EXPORTS
from drcli.train.checkpoint import Checkpoint


class Export(Protocol):
    """An export format. A member of `tables.EXPORTS` is a class with static methods."""

    @staticmethod
    def export(checkpoint: Checkpoint, metadata: ModelMetadata) -> dict[str, bytes]:
        """The files of a checkpoint in this format, by part (`drcli.contract.checkpoint_names`).

        The same weights give the same bytes.

        Raises:
            UsageError: the metadata describes a model that this engine does not support.
            DrError: the checkpoint belongs to another model.
        """
        ...


def exported(checkpoint: Checkpoint, metadata: ModelMetadata, formats: Iterable[str]) -> dict[str, bytes]:
    """The files of a checkpoint in several formats by name, one after the other. Raises what `Export.export` does."""
    files: dict[str, bytes] = {}
    for name in formats:
        export: Export = EXPORTS.load(name)
        files |= export.export(checkpoint, metadata)
    return files
