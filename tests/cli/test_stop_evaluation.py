"""Nothing to stop; a running one is stopped in test_evaluate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def test_nothing_to_stop(new_racer: Callable[[], Any]) -> None:
    racer = new_racer()
    result = racer.invoke("stop-evaluation")
    assert (result.exit_code, result.stdout) == (0, "The evaluation of run 0 is not running.\n")
    assert "next: dr evaluate" in result.stderr
    assert [path.name for path in racer.workspace.data.iterdir()] == ["tracks"]
