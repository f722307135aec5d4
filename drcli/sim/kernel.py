"""`@kernel`: numba's `njit`, its compiled code kept on disk for this very version of the simulator.

numba looks only at a function's own file when it decides whether compiled code is still good; a kernel that calls
one of another file would run old code after an update. So the code of each version has a folder of its own.
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
    """Beside the bytecode, or below the home folder where that cannot be written."""
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


if not config.CACHE_DIR:  # type: ignore[attr-defined]  # NUMBA_CACHE_DIR of the user goes first
    config.CACHE_DIR = str(_cache_dir())  # type: ignore[attr-defined]
kernel = partial(numba.njit, cache=True)()
