from __future__ import annotations

from pathlib import Path

import pytest

from drcli.launch import log_files

LINES = [f"line {number}" for number in range(5)]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "x.log"
    path.write_text("\n".join(LINES) + "\n")
    return path


@pytest.mark.parametrize(("tail", "lines"), [(0, LINES), (2, LINES[-2:]), (100, LINES)])
def test_the_last_lines(log: Path, tail: int, lines: list[str]) -> None:
    assert list(log_files.read(log, tail)) == lines


def test_a_line_that_is_not_finished_and_bytes_that_are_no_text(log: Path) -> None:
    log.write_bytes(b"a \xff\nhalf")
    assert list(log_files.read(log, 0)) == ["a �", "half"]


def test_following_loses_and_splits_nothing(log: Path) -> None:
    """Appended in pieces, at the moments at which the reader looks."""
    pieces = ["begun", " and ended\nwhole\n", "", "last\nno end"]

    def goes_on() -> bool:
        with log.open("a") as file:
            file.write(pieces.pop(0))
        return bool(pieces)

    assert list(log_files.read(log, 1, goes_on)) == ["line 4", "begun and ended", "whole", "last", "no end"]
