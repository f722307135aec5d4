"""Every process environment variable that drcli itself reads, by name; the only module that reads them.

The `DR_` settings of a workspace are not here: they live in files, see `drcli.config`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

DR_DIR = "DR_DIR"  # the workspace, when `dr` runs outside of one
DR_EXPERIMENT_NAME = "DR_EXPERIMENT_NAME"

# What a service of a stack is started with (names of the community's containers where they have one).
S3_ENDPOINT_URL = "S3_ENDPOINT_URL"
AWS_REGION = "AWS_REGION"
AWS_ACCESS_KEY_ID = "AWS_ACCESS_KEY_ID"
AWS_SECRET_ACCESS_KEY = "AWS_SECRET_ACCESS_KEY"


def read(name: str, default: str = "") -> str:
    """The value of one variable, `default` when it is unset."""
    return os.environ.get(name, default)


def outer() -> Mapping[str, str]:
    """The environment `dr` was started in: the last resort of `$VAR` in env files."""
    return os.environ


def child(extra: Mapping[str, str]) -> dict[str, str]:
    """The environment of a program we start: ours plus `extra`."""
    return {**os.environ, **extra}
