"""Runs of small programs, as the launcher's tests have them."""

from tests.launch.conftest import make_plan, started

__all__ = ["make_plan", "started"]
