"""Weights of a network as arrays for the wire, and back; bfloat16 is sent as int16, since NumPy lacks it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

_BFLOAT16 = "bfloat16:"


def weights_to_arrays(weights: Mapping[str, torch.Tensor]) -> dict[str, NDArray[Any]]:
    """float32 or bfloat16 tensors on the CPU, by name; not copied."""
    return {
        (_BFLOAT16 + name if tensor.dtype is torch.bfloat16 else name): (
            tensor.view(torch.int16) if tensor.dtype is torch.bfloat16 else tensor
        ).numpy()
        for name, tensor in weights.items()
    }


def arrays_to_weights(arrays: Mapping[str, NDArray[Any]]) -> dict[str, torch.Tensor]:
    """The inverse of `weights_to_arrays`; copies, since frames are read-only."""
    return {
        name.removeprefix(_BFLOAT16): (
            torch.from_numpy(np.array(array)).view(torch.bfloat16)
            if name.startswith(_BFLOAT16)
            else torch.from_numpy(np.array(array))
        )
        for name, array in arrays.items()
    }
