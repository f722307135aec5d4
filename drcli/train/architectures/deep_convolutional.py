"""The three networks of the community's engine, with the layer sizes of its `markov/sensors/utils.py`.

Convolutions are (filters, size, stride). A dense layer after them works on each place of the feature maps, which are
flattened afterwards. Only the middleware and the embedders of pictures differ.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from drcli.sim.sensors.sensor import SensorSpec
from drcli.train.layers import Architecture, Conv2d, Dense, Layer

_SHALLOW = (Conv2d(32, 8, 4), Conv2d(64, 4, 2), Conv2d(64, 3, 1))
_MEDIUM = (Conv2d(32, 5, 2), Conv2d(32, 3, 1), Conv2d(64, 3, 2), Conv2d(64, 3, 1), Dense(64))
_DEEP = (Conv2d(32, 8, 4), Conv2d(32, 4, 2), Conv2d(64, 4, 2), Conv2d(64, 3, 1), Dense(512), Dense(512))
_STEREO = (Conv2d(32, 3, 1), Conv2d(64, 3, 2), Conv2d(64, 3, 1), Conv2d(128, 3, 2), Conv2d(128, 3, 1))
_NUMBERS = (Dense(256), Dense(256))
_ALWAYS_SHALLOW = "observation"  # the sensor of models without a version


def _embedders(picture: Sequence[Layer], stereo: Sequence[Layer]) -> Callable[[SensorSpec], Sequence[Layer]]:
    """The layers for a sensor: numbers, one picture, or several at once."""

    def embedder(sensor: SensorSpec) -> Sequence[Layer]:
        if len(sensor.shape) == 1:
            return _NUMBERS
        if sensor.name == _ALWAYS_SHALLOW:
            return _SHALLOW
        return picture if len(sensor.shape) == 2 else stereo

    return embedder


SHALLOW = Architecture(_embedders(_SHALLOW, _SHALLOW), middleware=(Dense(512),))
MEDIUM = Architecture(_embedders(_MEDIUM, _STEREO), middleware=(Dense(512),))
DEEP = Architecture(_embedders(_DEEP, _STEREO), middleware=(Dense(256), Dense(128)))
