"""A checkpoint as a text: names, shapes and means of its variables."""

from __future__ import annotations

from drcli.config.model_metadata import ModelMetadata
from drcli.train.checkpoint import Checkpoint


class Text:
    """For eyes."""

    @staticmethod
    def export(checkpoint: Checkpoint, metadata: ModelMetadata) -> dict[str, bytes]:
        """One line for each variable."""
        variables = sorted(checkpoint.variables.items())
        lines = [f"{name} {list(value.shape)} {value.mean():.6f}" for name, value in variables]
        return {"txt": "\n".join([f"algorithm {metadata.training_algorithm}", *lines, ""]).encode()}
