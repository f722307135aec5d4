"""Names of checkpoints and their files: `12_Step-3456.ckpt`, as in the community's engine.

A checkpoint's files have its name plus a suffix: `.safetensors` for ours; `.index`, `.meta`, `.data-00000-of-00001` for
TensorFlow's. The frozen graph next to it, `model_12.pb`, only has its number.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from drcli.errors import DrError

# Used in larger patterns, so without groups and anchors.
CHECKPOINT = r"\d+_Step-\d+\.ckpt"
CHECKPOINT_FILE = rf"{CHECKPOINT}\.[^/]+"
GRAPH_FILE = r"model_\d+\.pb"

# The suffixes of a checkpoint's files, and what stands for its frozen graph among them.
NATIVE, INDEX, META, GRAPH = "safetensors", "index", "meta", "pb"

_NAME = re.compile(r"(\d+)_Step-(\d+)\.ckpt")


def file_name(name: str, part: str) -> str:
    """The file of checkpoint `name` with the suffix `part`; `model_12.pb` for GRAPH."""
    return f"model_{name.partition('_')[0]}.pb" if part == GRAPH else f"{name}.{part}"


def graph_number(file: str) -> int:
    """The number of the checkpoint that a frozen graph, `model_12.pb`, belongs to."""
    return int(file.removeprefix("model_").removesuffix(".pb"))


class CheckpointName(NamedTuple):
    """`12_Step-3456.ckpt`: the 12th checkpoint, after 3456 steps of this run. Ordered by number."""

    number: int
    steps: int

    @classmethod
    def find(cls, text: str) -> CheckpointName | None:
        """Parse a checkpoint name; None if `text` is not one."""
        match = _NAME.fullmatch(text.strip())
        return cls(int(match[1]), int(match[2])) if match else None

    @classmethod
    def parse(cls, text: str) -> CheckpointName:
        """As `find`, but raises DrError if `text` is not one."""
        name = cls.find(text)
        if name is None:
            raise DrError(f"{text.strip()!r} is not a checkpoint name.", "They look like 12_Step-3456.ckpt.")
        return name

    def __str__(self) -> str:
        return f"{self.number}_Step-{self.steps}.ckpt"
