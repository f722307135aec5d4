"""The model that model_metadata.json describes: its sensors, its layers, and how it chooses actions."""

from __future__ import annotations

from dataclasses import dataclass

from drcli.config.model_metadata import ModelMetadata
from drcli.sim.sensors.sensor import SensorSpec, sensor_spec
from drcli.tables import HEADS, NETWORKS
from drcli.train.heads.head import Head
from drcli.train.layers import Architecture


@dataclass(frozen=True)
class ModelSpec:
    """Sensors are sorted by name, the order in which coach concatenates them.

    value_sensors: what a value network sees as well, in training alone; it then has layers of its own.
    """

    sensors: tuple[SensorSpec, ...]
    architecture: Architecture
    head: Head
    value_sensors: tuple[SensorSpec, ...] = ()

    @classmethod
    def of(cls, metadata: ModelMetadata) -> ModelSpec:
        """Look up everything in the tables. Raises UsageError for a name that they do not have."""
        return cls(
            tuple(sensor_spec(name, metadata.lidar_config) for name in sorted(metadata.sensors)),
            NETWORKS.load(metadata.neural_network),
            HEADS.load(metadata.action_space_type).of(metadata),
        )
