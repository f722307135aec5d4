"""A checkpoint as it is: `.ckpt.safetensors`, with both networks under coach's names."""

from __future__ import annotations

from drcli.config.model_metadata import ModelMetadata
from drcli.train.checkpoint import unpack


class Native:
    """For whoever reads safetensors."""

    suffix: str = ".ckpt.safetensors"

    @staticmethod
    def export(checkpoint: bytes, metadata: ModelMetadata) -> bytes:
        """The checkpoint itself. DrError when it is damaged."""
        unpack(checkpoint, "of the model")
        return checkpoint
