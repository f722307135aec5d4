"""The files of a checkpoint, of any engine: ours is one, TensorFlow's are an index and its data files, and a frozen
graph, `model_<N>.pb`, is next to them or is all that there is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from drcli.contract.checkpoint_names import (
    CHECKPOINT,
    GRAPH,
    GRAPH_FILE,
    INDEX,
    META,
    NATIVE,
    CheckpointName,
    graph_number,
)
from drcli.contract.keys import ModelKeys
from drcli.errors import DrError
from drcli.store.client import Bucket, ObjectInfo

MAX_BYTES = (
    1 << 31
)  # of the weights of a checkpoint: 47 MB of shallow networks, 0.9 GB of the largest in a guided run

_DATA = r"data-\d{5}-of-\d{5}"
_PART = re.compile(rf"(?P<name>{CHECKPOINT})\.(?P<part>{NATIVE}|{INDEX}|{META}|{_DATA})")


@dataclass(frozen=True)
class CheckpointFiles:
    """A checkpoint that can be read, and its objects by part: the end of a file name, such as `safetensors`."""

    name: CheckpointName
    parts: Mapping[str, ObjectInfo]

    @property
    def is_ours(self) -> bool:
        """Whether our engine wrote it."""
        return NATIVE in self.parts

    @property
    def has_tensorflow(self) -> bool:
        """Whether it is complete for engines that use TensorFlow."""
        return META in self.parts and _has_bundle(self.parts)

    @property
    def weights(self) -> dict[str, ObjectInfo]:
        """The parts that its weights are read from: ours, else TensorFlow's, else the frozen graph."""
        if self.is_ours:
            return {NATIVE: self.parts[NATIVE]}
        if INDEX in self.parts:
            return {part: info for part, info in self.parts.items() if part not in (META, GRAPH)}
        return {GRAPH: self.parts[GRAPH]}

    @property
    def is_graph(self) -> bool:
        """Whether a frozen graph is all that there is; nobody knows its steps."""
        return self.parts.keys() == {GRAPH}

    def check_size(self) -> None:
        """Raise DrError if the weights are too large to be read."""
        size = sum(info.size_bytes for info in self.weights.values())
        if size > MAX_BYTES:
            raise DrError(
                f"Checkpoint {self.name} has {size / 1e9:.1f} GB; at most {MAX_BYTES / 1e9:.1f} GB are read.",
                "It does not belong to a DeepRacer model.",
            )

    def read(self, bucket: Bucket) -> dict[str, bytes] | None:
        """The contents of `weights`; None if one was deleted since. Raises DrError if they are too large."""
        self.check_size()
        contents = {part: bucket.find(info.key) for part, info in self.weights.items()}
        found = {part: content for part, content in contents.items() if content is not None}
        return found if len(found) == len(contents) else None


def checkpoints_among(prefix: str, objects: Iterable[ObjectInfo]) -> dict[CheckpointName, CheckpointFiles]:
    """The complete checkpoints of the model `prefix`, ordered by number."""
    start = ModelKeys(prefix).model_folder
    parts: dict[CheckpointName, dict[str, ObjectInfo]] = {}
    graphs: dict[int, ObjectInfo] = {}
    for info in objects:
        file = info.key.removeprefix(start) if info.key.startswith(start) else ""
        if match := _PART.fullmatch(file):
            parts.setdefault(CheckpointName.parse(match["name"]), {})[match["part"]] = info
        elif re.fullmatch(GRAPH_FILE, file):
            graphs[graph_number(file)] = info
    for number in graphs.keys() - {name.number for name in parts}:  # alone, it has no steps in its name
        parts[CheckpointName(number, 0)] = {}
    with_graph = {
        name: own | ({GRAPH: graphs[name.number]} if name.number in graphs else {})
        for name, own in sorted(parts.items())
    }
    return {name: CheckpointFiles(name, own) for name, own in with_graph.items() if _is_complete(own)}


def named(
    there: Mapping[CheckpointName, CheckpointFiles], name: CheckpointName | None
) -> CheckpointName | None:
    """The checkpoint that a document of the model calls `name`: that one, or the graph that is left of it."""
    if name is None or name in there:
        return name
    graph = CheckpointName(name.number, 0)
    return graph if graph in there and there[graph].is_graph else None


def _is_complete(parts: Mapping[str, ObjectInfo]) -> bool:
    return NATIVE in parts or parts.keys() == {GRAPH} or _has_bundle(parts)


def _has_bundle(parts: Mapping[str, ObjectInfo]) -> bool:
    """Whether there are an index and all data files."""
    shards = [part for part in parts if part.startswith("data-")]
    counts = {int(part.rpartition("-of-")[2]) for part in shards}
    return INDEX in parts and counts == {len(shards)}
