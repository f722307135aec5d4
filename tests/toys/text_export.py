"""A checkpoint as a text: names, shapes and means of its variables."""

from __future__ import annotations

from drcli.config.model_metadata import ModelMetadata


class Text:
    """For eyes."""

    suffix: str = ".txt"

    @staticmethod
    def export(checkpoint: bytes, metadata: ModelMetadata) -> bytes:
        """One line for each variable."""
        from drcli.train.checkpoint import unpack

        variables = unpack(checkpoint, "of the model").variables
        lines = [
            f"{name} {list(value.shape)} {value.mean():.6f}" for name, value in sorted(variables.items())
        ]
        return "\n".join([f"algorithm {metadata.training_algorithm}", *lines, ""]).encode()
