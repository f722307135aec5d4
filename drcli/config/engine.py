"""What drcli's own engine can learn: whatever the tables hold. Nothing that they name is imported here.

Checked before a run starts, and again by the services that drive.
"""

from __future__ import annotations

from collections.abc import Iterator

from drcli.config.model_metadata import ModelMetadata
from drcli.errors import UsageError
from drcli.tables import ALGORITHMS, HEADS, NETWORKS, SENSORS, Table


def check_supported(metadata: ModelMetadata, where: str = "model_metadata.json") -> None:
    """UsageError naming the file (`where`) for what this engine has no member for."""
    for key, name, table in _needed(metadata):
        if name not in table:
            raise UsageError(
                f"{where}: drcli's own engine cannot do {key} {name} yet.",
                f"Choose one of: {', '.join(table)}.",
            )


def _needed(metadata: ModelMetadata) -> Iterator[tuple[str, str, Table]]:
    """Keys of the file, their values, and where these have to be found."""
    yield "training_algorithm", metadata.training_algorithm, ALGORITHMS
    yield "neural_network", metadata.neural_network, NETWORKS
    yield "action_space_type", metadata.action_space_type, HEADS
    for sensor in metadata.sensors:
        yield "sensor", sensor, SENSORS
