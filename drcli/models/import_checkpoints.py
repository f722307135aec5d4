"""Which checkpoints of a model from elsewhere are complete, and which of them are the best and the last. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from drcli.contract.checkpoint_names import CHECKPOINT, GRAPH_FILE, CheckpointName, graph_number
from drcli.contract.keys import ModelKeys
from drcli.errors import DrError
from drcli.store.checkpoint_files import checkpoints_among
from drcli.store.checkpoints import CheckpointEntry, CheckpointIndex
from drcli.store.client import ObjectInfo

_LAYOUT = ModelKeys("")  # names under a prefix
INDEX, COACH = _LAYOUT.checkpoints_index, _LAYOUT.coach_checkpoint
_FILE = re.compile(rf"model/(?:(?P<name>{CHECKPOINT})\..+|(?P<graph>{GRAPH_FILE}))")
_ANY_TIME = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Checkpoints:
    """`index`, `in_use`: what the two documents that name checkpoints say; `spare`: files of incomplete ones."""

    names: tuple[CheckpointName, ...]
    index: CheckpointIndex
    in_use: CheckpointName
    spare: frozenset[str]
    warnings: tuple[str, ...]

    @property
    def documents(self) -> dict[str, bytes]:
        """The documents, by name in our layout."""
        return {INDEX: self.index.to_json(), COACH: str(self.in_use).encode()}


def find_checkpoints(sizes: Mapping[str, int], documents: Mapping[str, bytes]) -> Checkpoints:
    """The checkpoints among these files, named as in our layout.

    Raises:
        DrError: none of them is complete.
    """
    files = {name: match for name in sizes if (match := _FILE.fullmatch(name))}
    names = _complete(sizes)
    numbers = {name.number for name in names}
    if not names:
        raise DrError(
            "There is no complete checkpoint"
            + (f"; of {_list_of(files.values())} files are missing." if files else " and no graph (.pb)."),
            "A model needs one of: <N>_Step-<M>.ckpt.safetensors; .index and .data of one; model_<N>.pb.",
        )
    spare = {
        file
        for file, match in files.items()
        if (match["name"] and CheckpointName.parse(match["name"]) not in names)
        or (match["graph"] and graph_number(match["graph"]) not in numbers)
    }
    index, warnings = _index(documents, names)
    left_out = [files[file] for file in spare if files[file]["name"]]
    if left_out:
        warnings.append(f"Left out, as files are missing: {_list_of(left_out)}.")
    return Checkpoints(
        tuple(names),
        index,
        _in_use(documents, names) or index.last.name,
        frozenset(spare),
        tuple(warnings),
    )


def _complete(sizes: Mapping[str, int]) -> list[CheckpointName]:
    keys = ModelKeys("model-to-import")
    objects = [ObjectInfo(keys.key(name), size, _ANY_TIME) for name, size in sizes.items()]
    return list(checkpoints_among(keys.prefix, objects))


def _index(
    documents: Mapping[str, bytes], names: Collection[CheckpointName]
) -> tuple[CheckpointIndex, list[str]]:
    """The index, corrected where it names what is not there."""
    usual = CheckpointEntry(_in_use(documents, names) or max(names))
    if INDEX not in documents:
        return CheckpointIndex(usual, usual), []
    try:
        index = CheckpointIndex.from_json(documents[INDEX])
    except (DrError, RecursionError, OverflowError):
        return CheckpointIndex(usual, usual), [f"Its {INDEX} is broken; {usual.name} is now best and last."]
    last = index.last if index.last.name in names else usual
    best = index.best if index.best.name in names else last
    warnings = [
        f"Its {kind} checkpoint {was.name} is not there; {now.name} is taken for it."
        for kind, was, now in (("best", index.best, best), ("last", index.last, last))
        if was is not now
    ]
    fastest = index.fastest if index.fastest and index.fastest.name in names else None
    return CheckpointIndex(best, last, fastest), warnings


def _in_use(documents: Mapping[str, bytes], names: Collection[CheckpointName]) -> CheckpointName | None:
    name = CheckpointName.find(documents.get(COACH, b"").decode(errors="replace"))
    return name if name in names else None


def _list_of(matches: Collection[re.Match[str]]) -> str:
    return ", ".join(sorted({match["name"] or match["graph"] for match in matches}))
