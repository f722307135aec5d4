from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any

import psutil
import pytest
from polling import until

from drcli.local import ProcessRef, lock
from drcli.paths import Workspace
from drcli.store import store_users
from drcli.store.client import Bucket
from drcli.store.server import ensure_server, server_config, server_status, stop_server
from drcli.store.server_process import find_watch

Until = Callable[..., Any]
IDLE_S = 0.8


@pytest.fixture(scope="module", name="until")
def until_fixture() -> Until:
    """Each look goes through all processes."""
    return partial(until, every_s=0.1)


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DR_STORE_IDLE_MINUTES", str(IDLE_S / 60))


@contextmanager
def command(workspace: Workspace) -> Iterator[subprocess.Popen[str]]:
    """A command that uses the store, and goes on until it is killed."""
    program = (
        "import sys, time; from pathlib import Path; from drcli.paths import Workspace;"
        "from drcli.store.server import ensure_server;"
        "ensure_server(Workspace(Path(sys.argv[1])), None, 'bucket'); print(flush=True); time.sleep(600)"
    )
    words = [sys.executable, "-c", program, str(workspace.root)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as started:
        assert started.stdout and started.stdout.readline()
        try:
            yield started
        finally:
            started.kill()


def is_gone(workspace: Workspace) -> bool:
    return not server_status(workspace).running and find_watch(workspace) is None


def test_the_server_ends_after_its_last_user(workspace: Workspace, until: Until) -> None:
    with command(workspace) as first, command(workspace):
        first.kill()
        first.wait()
        with pytest.raises(AssertionError):
            until(lambda: is_gone(workspace), 4 * IDLE_S)
    until(lambda: is_gone(workspace))
    assert "Stopped: the store was idle" in workspace.store_log.read_text()
    with command(workspace):
        assert server_status(workspace).running


@pytest.mark.slow
def test_a_service_keeps_the_store_of_a_run_whose_supervisor_was_killed(
    workspace: Workspace, until: Until
) -> None:
    with subprocess.Popen(["sleep", "600"]) as service:
        with command(workspace):
            store_users.register(workspace, 1, ProcessRef.of(service.pid))
        with pytest.raises(AssertionError):
            until(lambda: is_gone(workspace), 4 * IDLE_S)
        service.kill()
    until(lambda: is_gone(workspace))


@pytest.mark.slow
def test_a_killed_watch_is_replaced_by_the_next_command(workspace: Workspace, until: Until) -> None:
    with command(workspace):
        watch = find_watch(workspace)
        assert watch is not None
        watch.kill()
        until(lambda: find_watch(workspace) is None)
    with command(workspace):
        assert find_watch(workspace) is not None
    until(lambda: is_gone(workspace))


@pytest.mark.slow
def test_a_killed_server_and_its_successor_have_one_watch(workspace: Workspace, until: Until) -> None:
    with command(workspace):
        psutil.Process(server_status(workspace).pid).kill()
        until(lambda: not server_status(workspace).running)
        with command(workspace):
            assert server_status(workspace).running
            assert find_watch(workspace) is not None
    until(lambda: is_gone(workspace))


@pytest.mark.slow
def test_who_is_connected_uses_it(workspace: Workspace, until: Until) -> None:
    with command(workspace) as first:
        bucket = Bucket(ensure_server(workspace, None, "bucket"))
        for user in store_users.living(workspace):  # this process counts by its connection alone
            if user.process.pid != first.pid:
                (workspace.store_users / f"{user.process.pid}.json").unlink()
        bucket.check()
    with pytest.raises(AssertionError):
        until(lambda: is_gone(workspace), 4 * IDLE_S)
    bucket._client.close()
    until(lambda: is_gone(workspace))


def test_a_command_that_only_reads_uses_it(workspace: Workspace) -> None:
    with command(workspace):
        before = store_users.last_change_ns(workspace)
        server_config(workspace, None, "bucket")
        assert store_users.last_change_ns(workspace) > before


@pytest.mark.slow
def test_it_does_not_end_while_a_command_starts(workspace: Workspace, until: Until) -> None:
    """A command looks for the server with the lock held; the watch waits for it, and then it has a user."""
    with command(workspace):
        pid = server_status(workspace).pid
    with lock(workspace.store_lock):
        with pytest.raises(AssertionError):
            until(lambda: not server_status(workspace).running, 4 * IDLE_S)
        late = subprocess.Popen(["sleep", "600"])
        store_users.register(workspace, 1, ProcessRef.of(late.pid))
    with late, pytest.raises(AssertionError):
        try:
            until(lambda: server_status(workspace).pid != pid, 4 * IDLE_S)
        finally:
            late.kill()
    until(lambda: is_gone(workspace))


@pytest.mark.slow
def test_many_commands_at_the_moment_of_the_end(workspace: Workspace, until: Until) -> None:
    """Whoever has been given the store can use it."""
    program = (
        "import sys; from pathlib import Path; from drcli.paths import Workspace;"
        "from drcli.store.client import Bucket; from drcli.store.server import ensure_server;"
        "bucket = Bucket(ensure_server(Workspace(Path(sys.argv[1])), None, 'bucket'));"
        "bucket.put(sys.argv[2], b'x')"
    )

    def use(number: int) -> int:
        return subprocess.run(
            [sys.executable, "-c", program, str(workspace.root), f"k{number}"], check=False
        ).returncode

    with ThreadPoolExecutor(2) as pool:
        assert set(pool.map(use, range(4))) == {0}
    until(lambda: is_gone(workspace))


def test_a_deleted_workspace(workspace: Workspace, until: Until) -> None:
    with command(workspace):
        pass
    shutil.rmtree(workspace.data, ignore_errors=True)
    until(lambda: is_gone(workspace))
    assert not workspace.store.exists()


def test_stopping_ends_both(workspace: Workspace) -> None:
    with command(workspace):
        assert stop_server(workspace)
        assert is_gone(workspace)


def test_the_watch_is_small(workspace: Workspace) -> None:
    with command(workspace):
        watch = find_watch(workspace)
        assert watch is not None
        assert watch.memory_info().rss < 40e6


def test_none_is_started_where_none_is_wanted(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DR_STORE_IDLE_MINUTES", "0")
    with command(workspace):
        assert find_watch(workspace) is None
