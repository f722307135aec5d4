"""DEEP_CONVOLUTIONAL_NETWORK_SHALLOW, with the layer sizes of the community's `markov/sensors/utils.py`."""

from __future__ import annotations

from collections.abc import Sequence

from drcli.sim.sensors.sensor import SensorSpec
from drcli.train.layers import Architecture, Conv2d, Dense, Layer

_IMAGE = (Conv2d(32, 8, 4), Conv2d(64, 4, 2), Conv2d(64, 3, 1))
_NUMBERS = (Dense(256), Dense(256))


def _embedder(sensor: SensorSpec) -> Sequence[Layer]:
    return _IMAGE if len(sensor.shape) > 1 else _NUMBERS


SHALLOW = Architecture(_embedder, middleware=(Dense(512),))
