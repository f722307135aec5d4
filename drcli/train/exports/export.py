"""What every export can do."""

from __future__ import annotations

from typing import Protocol

from drcli.config.model_metadata import ModelMetadata


class Export(Protocol):
    """A format of models. The member of `tables.EXPORTS` is a class whose method is static."""

    @property
    def suffix(self) -> str:
        """What the name of such a file ends with."""
        ...

    def export(self, checkpoint: bytes, metadata: ModelMetadata) -> bytes:
        """The file, of a `.ckpt.safetensors` file's content; the same bytes for the same weights.

        Raises:
            UsageError: metadata describes a model that this engine does not train.
            DrError: the checkpoint is damaged, or is not of such a model.
        """
        ...
