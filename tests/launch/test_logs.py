from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from drcli.errors import DrError
from drcli.launch import logs, stack
from drcli.launch.processes.run_folder import RunFolder
from drcli.paths import Workspace
from drcli.store.server import ensure_server, stop_server

LINES = [f"line {number}" for number in range(5)]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "x.log"
    path.write_text("\n".join(LINES) + "\n")
    return path


@pytest.mark.parametrize(("tail", "lines"), [(0, LINES), (2, LINES[-2:]), (100, LINES)])
def test_the_last_lines(log: Path, tail: int, lines: list[str]) -> None:
    assert list(logs.read(log, tail)) == lines


def test_a_line_that_is_not_finished_and_bytes_that_are_no_text(log: Path) -> None:
    log.write_bytes(b"a \xff\nhalf")
    assert list(logs.read(log, 0)) == ["a �", "half"]


def test_following_loses_and_splits_nothing(log: Path) -> None:
    """Appended in pieces, at the moments at which the reader looks."""
    pieces = ["begun", " and ended\nwhole\n", "", "last\nno end"]

    def goes_on() -> bool:
        with log.open("a") as file:
            file.write(pieces.pop(0))
        return bool(pieces)

    assert list(logs.read(log, 1, goes_on)) == ["line 4", "begun and ended", "whole", "last", "no end"]


def test_which_log(workspace: Workspace) -> None:
    with pytest.raises(DrError, match=r"no log .*sagemaker\.log") as caught:
        logs.find_log(workspace, "training", 0, "sagemaker")
    assert "Nothing has run yet" in caught.value.hint
    folder = RunFolder.of(workspace, "training", 3)
    folder.logs.mkdir(parents=True)
    for name in ("sagemaker", "robomaker-1", "robomaker-2"):
        folder.log(name).write_text("")
    assert logs.find_log(workspace, "training", 3, "robomaker", 2) == folder.log("robomaker-2")
    with pytest.raises(DrError) as caught:
        logs.find_log(workspace, "training", 3, "robomaker", 3)
    assert caught.value.hint == "There are logs of robomaker-1, robomaker-2, sagemaker."


def test_more_comes_as_long_as_the_run_goes_on(
    workspace: Workspace, started: Callable[..., RunFolder]
) -> None:
    goes_on = logs.more_may_come(workspace, "training", 0, "sagemaker")
    assert not goes_on()
    started(sagemaker="steady")
    assert goes_on()
    stack.stop(workspace, "training", 0)
    assert not goes_on()


def test_more_comes_as_long_as_the_store_runs(workspace: Workspace, free_port: int) -> None:
    assert not logs.more_may_come(workspace, "training", 0, "minio")()
    ensure_server(workspace, free_port, "bucket")
    goes_on = logs.more_may_come(workspace, "training", 0, "minio")
    assert goes_on()
    stop_server(workspace)
    assert not goes_on()
