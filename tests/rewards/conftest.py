"""Tracks simple enough to compute by hand."""

from __future__ import annotations

from plain_tracks import block, ring

__all__ = ["block", "ring"]
