"""`@kernel`: numba's `njit`, with compiled code cached on disk for exactly this version of the simulator.

numba checks only a function's own file when it decides whether compiled code is still valid; a kernel that calls one
in another file would run old code after an update. So each version's code has its own folder.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from functools import partial
from pathlib import Path

import numba
from numba.core import config

_HERE = Path(__file__).parent
_PREFIX = "kernels-"


def _cache_dir() -> Path:
    """Next to the bytecode, or below the home folder if that is not writable."""
    sources = b"".join(path.read_bytes() for path in sorted(_HERE.rglob("*.py")))
    version = hashlib.sha256(sources).hexdigest()[:16]
    beside = _HERE / "__pycache__"
    is_writable = os.access(beside if beside.is_dir() else _HERE, os.W_OK)
    base = beside if is_writable else Path.home() / ".cache" / "drcli"
    folder = base / f"{_PREFIX}{version}"
    if not folder.is_dir():
        for outdated in base.glob(f"{_PREFIX}*"):
            shutil.rmtree(outdated, ignore_errors=True)
    return folder


if not config.CACHE_DIR:  # type: ignore[attr-defined]  # the user's NUMBA_CACHE_DIR has priority
    config.CACHE_DIR = str(_cache_dir())  # type: ignore[attr-defined]
kernel = partial(numba.njit, cache=True)()
