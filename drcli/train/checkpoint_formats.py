"""The weights of a stored checkpoint, whichever engine wrote it: all use the variable names of the coach graph."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray

from drcli.contract.checkpoint_names import GRAPH, INDEX, NATIVE
from drcli.errors import DrError
from drcli.train.checkpoint import Checkpoint, unpack


def read_weights(files: Mapping[str, bytes], name: str) -> Checkpoint:
    """Read the files of a checkpoint by part (`CheckpointFiles.weights`); `name` is for messages.

    Only ours have counters and a state; a frozen graph has the policy alone.

    Raises:
        DrError: a file is damaged.
    """
    if NATIVE in files:
        return unpack(files[NATIVE], name)
    try:
        found = _of_graph(files[GRAPH]) if GRAPH in files else _of_bundle(files)
    except ValueError as error:
        raise DrError(
            f"Checkpoint {name} is damaged: {error}.", "Use another checkpoint of the model."
        ) from error
    tensors = {key: torch.from_numpy(np.array(value)) for key, value in found.items()}
    return Checkpoint(tensors, {}, {})


def _of_bundle(files: Mapping[str, bytes]) -> Mapping[str, NDArray[np.float32]]:
    from drcli.tensorflow.tensor_bundle import read_bundle

    shards = {int(part.split("-")[1]): content for part, content in files.items() if part != INDEX}
    found = read_bundle(files[INDEX], shards)
    return {name: value for name, value in found.items() if value.dtype == np.float32}


def _of_graph(graph: bytes) -> Mapping[str, NDArray[np.float32]]:
    from drcli.tensorflow.frozen_graph import read_constants

    return read_constants(graph)
