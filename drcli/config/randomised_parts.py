"""The parts of domain randomisation that DR_RANDOMIZE names."""

from __future__ import annotations

PICTURE_PARTS = ("camera", "ground", "walls", "lights", "exposure", "blur")
