"""Reads what a stored checkpoint's network is like, without its values where possible."""

from __future__ import annotations

import json
from operator import index

from drcli.contract.checkpoint_names import GRAPH, INDEX, NATIVE
from drcli.contract.stored_network import Shapes, StoredNetwork
from drcli.errors import DrError
from drcli.store.checkpoint_files import CheckpointFiles
from drcli.store.client import Bucket

_MOST_HEADER_BYTES = 1 << 20
_NOTES = "__metadata__"  # the only entry that is no tensor


def read_network(bucket: Bucket, found: CheckpointFiles) -> StoredNetwork:
    """Read it from a checkpoint. Raises DrError if the checkpoint is damaged."""
    try:
        return StoredNetwork.of(_shapes(bucket, found))
    except ValueError as error:
        raise DrError(
            f"Checkpoint {found.name} is damaged: {error}.", "Use another checkpoint of the model."
        ) from error


def _shapes(bucket: Bucket, found: CheckpointFiles) -> Shapes:
    from drcli.tensorflow.frozen_graph import read_constants
    from drcli.tensorflow.tensor_bundle import shapes_in

    found.check_size()
    if found.is_ours:
        return _of_native(bucket.start_of(found.parts[NATIVE].key, _MOST_HEADER_BYTES))
    if INDEX in found.parts:
        return shapes_in(bucket.get(found.parts[INDEX].key))
    constants = read_constants(bucket.get(found.parts[GRAPH].key))
    return {name: value.shape for name, value in constants.items()}


def _of_native(start: bytes) -> Shapes:
    """The header of safetensors: its size in eight bytes, then JSON. Raises ValueError if it is something else."""
    size = int.from_bytes(start[:8], "little")
    try:
        header = json.loads(start[8 : 8 + size])
        shapes = {name: tuple(map(index, entry["shape"])) for name, entry in header.items() if name != _NOTES}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError("it does not begin with a table of its tensors") from error
    return shapes
