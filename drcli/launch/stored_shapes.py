"""Reads what a stored checkpoint's network is like, without its values where possible."""

from __future__ import annotations

import json

from drcli.contract.checkpoint_names import GRAPH, INDEX, NATIVE
from drcli.contract.stored_network import Shapes, StoredNetwork
from drcli.errors import DrError
from drcli.store.checkpoint_files import CheckpointFiles
from drcli.store.client import Bucket

_MOST_HEADER_BYTES = 1 << 20


def read_network(bucket: Bucket, found: CheckpointFiles) -> StoredNetwork:
    """Read it from a checkpoint. Raises DrError if the checkpoint is damaged."""
    try:
        return StoredNetwork.of(_shapes(bucket, found))
    except (ValueError, KeyError, TypeError) as error:
        raise DrError(
            f"Checkpoint {found.name} is damaged: {error}.", "Use another checkpoint of the model."
        ) from error


def _shapes(bucket: Bucket, found: CheckpointFiles) -> Shapes:
    from drcli.tensorflow.frozen_graph import read_constants
    from drcli.tensorflow.tensor_bundle import shapes_in

    if found.is_ours:
        return _of_native(bucket.start_of(found.parts[NATIVE].key, _MOST_HEADER_BYTES))
    if INDEX in found.parts:
        return shapes_in(bucket.get(found.parts[INDEX].key))
    constants = read_constants(bucket.get(found.parts[GRAPH].key))
    return {name: value.shape for name, value in constants.items()}


def _of_native(start: bytes) -> Shapes:
    """The header of safetensors: its size in eight bytes, then JSON."""
    size = int.from_bytes(start[:8], "little")
    header = json.loads(start[8 : 8 + size])
    return {name: tuple(entry["shape"]) for name, entry in header.items() if "shape" in entry}
