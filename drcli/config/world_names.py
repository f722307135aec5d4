"""The tracks that a WORLD_NAME names: one, or several separated by commas."""

from __future__ import annotations


def world_names(text: str) -> tuple[str, ...]:
    """Its names in their order. Raises ValueError if one is empty or stands twice."""
    names = tuple(name.strip() for name in text.split(","))
    if not all(names) or len(set(names)) < len(names):
        raise ValueError("names separated by commas, each once")
    return names
