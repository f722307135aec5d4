"""TensorFlow and OpenVINO, which are the dependency group `car`; tests that need them skip without it."""

from __future__ import annotations

import importlib
import importlib.util
import warnings
from typing import Any

import pytest


def is_installed(name: str) -> bool:
    """Whether there is such a package; a folder of our tests that is called so is none."""
    found = importlib.util.find_spec(name)
    return found is not None and found.origin is not None


def program(name: str) -> Any:
    """A module of the group `car`; its own warnings are its makers' concern."""
    if not is_installed(name):
        pytest.skip(f"{name} is not installed (dependency group car)")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module(name)
