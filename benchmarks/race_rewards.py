"""Reward functions for races with objects on the road: ours, and the example of docs/custom-files.md."""

from __future__ import annotations

from pathlib import Path

_PAGE = Path(__file__).parents[1] / "docs" / "custom-files.md"


def example() -> str:
    """The code below "A reward for obstacles"."""
    text = _PAGE.read_text(encoding="utf-8").split("### A reward for obstacles\n")[1]
    return text.split("```python\n")[1].split("```")[0]


REWARDS = {"default": "", "example": example()}
