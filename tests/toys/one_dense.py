"""A network of one dense layer, on numbers as they come."""

from __future__ import annotations

from drcli.train.layers import Architecture, Dense

ONE_DENSE = Architecture(lambda sensor: (), middleware=(Dense(32),))
