"""Values of K cars as one array of records, which kernels accept as one argument, with a view `[K]` of each field."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from functools import cache
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int8]  # of `drcli.contract.episode.Status`
Bools = npt.NDArray[np.bool_]
Block = npt.NDArray[Any]  # [K], structured: every element has all fields of one car

_DTYPES = {"Array": np.float64, "Ints": np.int64, "Codes": np.int8, "Bools": np.bool_}
_Kind = TypeVar("_Kind")


def new_arrays(kind: Callable[..., _Kind], count: int) -> _Kind:
    """Records of `count` cars, all zero.

    `kind` is a dataclass whose first field is `block`; all its other init fields are arrays.
    """
    dtype = _dtype_of(kind)
    block = np.zeros(count, dtype)
    return kind(block, *[block[name] for name in dtype.names or ()])


@cache
def _dtype_of(kind: Any) -> np.dtype[Any]:
    columns = [(item.name, _DTYPES[str(item.type)]) for item in fields(kind)[1:] if item.init]
    return np.dtype(columns, align=True)
