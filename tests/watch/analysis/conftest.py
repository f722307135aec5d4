"""Tracks simple enough to compute by hand."""

from plain_tracks import block, ring

__all__ = ["block", "ring"]
