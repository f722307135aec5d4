"""Writing in the background: in order, the newest of a name, with patience for a store that comes back."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import psutil
import pytest

from drcli.errors import DrError
from drcli.paths import Workspace
from drcli.services.shared.publisher import WAITS, Publisher
from drcli.store.client import Bucket
from drcli.store.server import ensure_server, server_status, stop_server


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def publisher(said: list[str]) -> Iterator[Publisher]:
    publisher = Publisher(said.append)
    yield publisher
    publisher.close()


class Gate:
    """A job that takes until the test lets it go on."""

    def __init__(self) -> None:
        self.is_running, self.may_end = threading.Event(), threading.Event()

    def __call__(self) -> None:
        self.is_running.set()
        assert self.may_end.wait(30)


def test_jobs_are_done_in_order_and_a_waiting_one_gives_way_to_the_newest(publisher: Publisher) -> None:
    done: list[str] = []
    gate = Gate()
    publisher.submit("status", gate)
    assert gate.is_running.wait(30)
    for name in ("status", "trace", "status", "checkpoint", "status", "checkpoint"):
        publisher.submit(name, lambda name=name: done.append(name))  # type: ignore[misc]
    assert not done  # nobody waits for the bucket
    gate.may_end.set()
    publisher.flush()
    assert done == ["trace", "status", "checkpoint"]


def test_what_comes_again_and_again_is_done_behind_no_queue(publisher: Publisher) -> None:
    done: list[str] = []
    gate = Gate()
    publisher.submit("checkpoint 1", gate)
    assert gate.is_running.wait(30)
    for name in ("checkpoint 2", "status", "checkpoint 3", "status"):
        publisher.submit(name, lambda name=name: done.append(name), first=name == "status")  # type: ignore[misc]
    gate.may_end.set()
    publisher.flush()
    assert done == ["status", "checkpoint 2", "checkpoint 3"]


def test_what_is_first_does_not_wait_for_the_rest(publisher: Publisher) -> None:
    done: list[str] = []
    gate = Gate()
    publisher.submit("checkpoint 1", gate)
    assert gate.is_running.wait(30)
    for name in ("trace", "status", "checkpoint 2", "status"):
        is_first = name == "status"
        publisher.submit(name, lambda name=name: done.append(name), first=is_first)  # type: ignore[misc]
    gate.may_end.set()
    publisher.flush()
    assert done == ["status", "trace", "checkpoint 2"]


def test_who_is_faster_than_the_store_waits_and_stays_alive(publisher: Publisher, said: list[str]) -> None:
    gate, ticks = Gate(), threading.Semaphore(0)
    publisher.submit("checkpoint 1", gate, is_large=True)
    assert gate.is_running.wait(30)
    for number in range(20):
        publisher.submit(f"trace {number}", lambda: None)
    for number in (2, 3):
        publisher.submit(f"checkpoint {number}", lambda: None, is_large=True)
        publisher.keep_pace()  # returns at once: they are few
    publisher.submit("checkpoint 4", lambda: None, is_large=True)
    training = threading.Thread(target=publisher.keep_pace, args=(ticks.release,))
    training.start()
    for _ in range(2):
        assert ticks.acquire(timeout=30)
    assert training.is_alive()
    gate.may_end.set()
    training.join(30)
    assert not training.is_alive()
    assert said == [WAITS]


def test_closing_finishes_what_waits(said: list[str]) -> None:
    done: list[int] = []
    publisher = Publisher(said.append)
    for number in range(20):
        publisher.submit(str(number), lambda number=number: done.append(number))  # type: ignore[misc]
    publisher.close()
    assert done == list(range(20))


@pytest.fixture
def own_store(workspace: Workspace, free_port: int) -> Iterator[tuple[Bucket, Callable[[], Any]]]:
    """A bucket on a server of its own, and what starts that server again."""

    def start() -> Bucket:
        return Bucket(ensure_server(workspace, free_port, "bucket"))

    yield start(), start
    stop_server(workspace)


def kill_server(workspace: Workspace) -> None:
    pid = server_status(workspace).pid
    assert pid
    server = psutil.Process(pid)
    server.kill()
    server.wait()


def test_a_store_that_was_killed_is_waited_for(workspace: Workspace, own_store: Any, said: list[str]) -> None:
    bucket, restart = own_store
    complained = threading.Event()

    def report(text: str) -> None:
        said.append(text)
        complained.set()

    publisher = Publisher(report)
    publisher.submit("before", lambda: bucket.put("before", b"1"))
    publisher.flush()
    kill_server(workspace)
    publisher.submit("during", lambda: bucket.put("during", b"2"))
    publisher.submit("after", lambda: bucket.put("after", b"3"))
    assert complained.wait(30)
    publisher.check()  # not yet a reason to end
    restart()
    publisher.flush()
    publisher.close()
    assert [bucket.get(key) for key in ("before", "during", "after")] == [b"1", b"2", b"3"]
    assert said[0].startswith("during could not be written, next try in 0.5 s: ")
    assert said[-1] == "during is written now."
    assert len([text for text in said if "written now" in text]) == 1


def test_a_store_that_stays_away_ends_it_with_its_own_error(
    workspace: Workspace, own_store: Any, said: list[str]
) -> None:
    bucket, _ = own_store
    kill_server(workspace)
    publisher = Publisher(said.append, patience_s=0.0)
    later: list[int] = []
    publisher.submit("trace", lambda: bucket.put("trace", b"1"))
    publisher.submit("later", lambda: later.append(1))
    with pytest.raises(DrError, match="is unreachable"):
        publisher.flush()
    with pytest.raises(DrError, match="is unreachable"):
        publisher.check()
    publisher.submit("too late", lambda: later.append(2))
    publisher.close()
    assert not later


def test_a_bug_in_a_job_comes_out_at_once(publisher: Publisher, said: list[str]) -> None:
    publisher.submit("bug", lambda: [][0])
    with pytest.raises(IndexError):
        publisher.flush()
    with pytest.raises(IndexError):
        publisher.check()
    assert not said


def test_a_publisher_that_is_closed_has_no_more_patience(
    workspace: Workspace, own_store: Any, said: list[str]
) -> None:
    bucket, _ = own_store
    kill_server(workspace)
    publisher = Publisher(said.append, patience_s=1000.0)
    publisher.submit("trace", lambda: bucket.put("trace", b"1"))
    publisher.close()
    with pytest.raises(DrError, match="is unreachable"):
        publisher.check()
