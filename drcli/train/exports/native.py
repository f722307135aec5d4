"""The native format, `.ckpt.safetensors`, which alone has what a stopped run resumes with."""

from __future__ import annotations

from drcli.config.model_metadata import ModelMetadata
from drcli.contract.checkpoint_names import NATIVE
from drcli.train.checkpoint import Checkpoint, pack


class Native:
    """Exports everything."""

    @staticmethod
    def export(checkpoint: Checkpoint, metadata: ModelMetadata) -> dict[str, bytes]:
        """One file."""
        return {NATIVE: pack(checkpoint.variables, checkpoint.counters, checkpoint.state)}
