"""What a reward function prints is kept whole; the service's log has some of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from drcli.services.worker import reward_output
from drcli.services.worker.reward_output import RewardOutput
from drcli.sim.rate_limit import LINES_PER_SECOND


def test_every_line_is_in_the_file_and_some_are_in_the_log(tmp_path: Path) -> None:
    path, logged = tmp_path / "robomaker-1.reward.log", list[str]()
    output = RewardOutput(path, logged.append)
    for i in range(1000):
        output(f"né {i}")
    output.flush()
    assert path.read_text().splitlines() == [f"né {i}" for i in range(1000)]
    assert LINES_PER_SECOND <= len(logged) < 500


def test_a_restarted_worker_appends(tmp_path: Path) -> None:
    path = tmp_path / "robomaker-1.reward.log"
    for text in ("before", "after"):
        output = RewardOutput(path, lambda line: None)
        output(text)
        output.flush()
    assert path.read_text() == "before\nafter\n"


def test_a_full_file_is_set_aside_and_the_oldest_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reward_output, "PART_BYTES", 100)
    monkeypatch.setattr(reward_output, "PARTS", 2)
    path = tmp_path / "robomaker-1.reward.log"
    output = RewardOutput(path, lambda line: None)
    for i in range(52):
        output(f"{i:09}")  # ten fill a part
    output.flush()
    parts = sorted(tmp_path.iterdir())
    assert [part.name for part in parts] == [
        "robomaker-1.reward.4.log", "robomaker-1.reward.5.log", path.name,
    ]  # fmt: skip
    kept = "".join(part.read_text() for part in parts).split()
    assert kept == [f"{i:09}" for i in range(30, 52)]


def test_a_file_that_cannot_be_written_is_said_and_forgotten(tmp_path: Path) -> None:
    logged = list[str]()
    output = RewardOutput(tmp_path / "missing" / "reward.log", logged.append)
    output("still in the log")
    output.flush()
    assert "is no longer kept" in logged[0]
    assert logged[1:] == ["still in the log"]
