"""What drcli's own engine supports: the members of the tables, checked by name without importing them.

Checked before a run starts, and again by the services.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from drcli.config.model_metadata import CONFIGURED_LIDAR, ModelMetadata
from drcli.errors import UsageError
from drcli.tables import ALGORITHMS, HEADS, NETWORKS, SENSORS, Table


def check_supported(metadata: ModelMetadata, where: str = "model_metadata.json") -> None:
    """Raise UsageError, with the name of the file (`where`), for anything this engine does not support."""
    for key, name, table in _needed(metadata):
        if name not in table:
            raise UsageError(
                f"{where}: drcli's own engine does not support {key} {name} yet.",
                f"Choose one of: {', '.join(table)}.",
            )


def check_shared_sensors(models: Iterable[ModelMetadata]) -> None:
    """Raise UsageError if a sensor is not the same for all models of a race: they have one set of sensors."""
    if len({each.lidar_config for each in models if CONFIGURED_LIDAR in each.sensors}) > 1:
        raise UsageError(
            f"The models differ in the lidar_config of their {CONFIGURED_LIDAR}.",
            "In one race, all of them need the same one.",
        )


def _needed(metadata: ModelMetadata) -> Iterator[tuple[str, str, Table]]:
    """The keys and values of the file that must be in a table."""
    yield "training_algorithm", metadata.training_algorithm, ALGORITHMS
    yield "neural_network", metadata.neural_network, NETWORKS
    yield "action_space_type", metadata.action_space_type, HEADS
    for sensor in metadata.sensors:
        yield "sensor", sensor, SENSORS
