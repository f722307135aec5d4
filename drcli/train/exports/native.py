"""The native format, `.ckpt.safetensors`: the checkpoint unchanged."""

from __future__ import annotations

from drcli.config.model_metadata import ModelMetadata
from drcli.train.checkpoint import unpack


class Native:
    """Exports the checkpoint as it is."""

    suffix: str = ".ckpt.safetensors"

    @staticmethod
    def export(checkpoint: bytes, metadata: ModelMetadata) -> bytes:
        """Return the checkpoint. Raises DrError if it is damaged."""
        unpack(checkpoint, "of the model")
        return checkpoint
