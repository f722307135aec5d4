"""A log stays readable whatever is printed."""

from __future__ import annotations

import pytest

import drcli.sim.rate_limit as module


@pytest.mark.parametrize(("kept", "where"), [("", ""), ("all.log", "; they are in all.log")])
def test_a_flood_of_lines_is_cut_and_counted(monkeypatch: pytest.MonkeyPatch, kept: str, where: str) -> None:
    now = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    lines: list[str] = []
    limit = module.RateLimit(lines.append, kept)
    for i in range(500):
        limit(f"line {i}")
    assert lines == [f"line {i}" for i in range(module.LINES_PER_SECOND)]
    now[0] += 1.0
    limit("later")
    dropped = 500 - module.LINES_PER_SECOND
    assert lines[module.LINES_PER_SECOND :] == [f"… {dropped} more lines of output dropped{where}", "later"]
