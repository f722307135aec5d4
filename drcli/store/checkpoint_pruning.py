"""Keeps one checkpoint of a model whose training has ended, and deletes the others."""

from __future__ import annotations

from drcli.contract.checkpoint_names import CheckpointName
from drcli.contract.keys import ModelKeys
from drcli.store.checkpoint_files import checkpoints_among
from drcli.store.checkpoints import CheckpointIndex, read_index
from drcli.store.client import Bucket


def keep_only(bucket: Bucket, keys: ModelKeys, name: CheckpointName) -> int:
    """Delete all checkpoints except `name`, which becomes the best and the last one. Returns how many were deleted.

    The names are changed first, so that at every moment they lead to a checkpoint that exists.
    """
    there = checkpoints_among(keys.prefix, bucket.list(keys.model_folder))
    if name not in there:
        return 0
    index = read_index(bucket, keys)
    if index is not None:
        entry = next((entry for entry in index.entries if entry.name == name), None)
        if entry is None:
            return 0
        fastest = entry if index.fastest is not None and index.fastest.name == name else None
        bucket.put(keys.checkpoints_index, CheckpointIndex(entry, entry, fastest).to_json())
    bucket.put(keys.coach_checkpoint, str(name).encode())
    others = [files for other, files in there.items() if other != name]
    bucket.delete([info.key for files in others for info in files.parts.values()])
    return len(others)
