"""The interface of export formats."""

from __future__ import annotations

from typing import Protocol

from drcli.config.model_metadata import ModelMetadata


class Export(Protocol):
    """An export format. A member of `tables.EXPORTS` is a class with static methods."""

    @property
    def suffix(self) -> str:
        """The file name suffix."""
        ...

    def export(self, checkpoint: bytes, metadata: ModelMetadata) -> bytes:
        """Convert the content of a `.ckpt.safetensors` file; the same weights give the same bytes.

        Raises:
            UsageError: the metadata describes a model that this engine does not support.
            DrError: the checkpoint is damaged or belongs to another model.
        """
        ...
