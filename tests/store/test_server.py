from __future__ import annotations

import importlib.metadata
import os
import socket
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from polling import DEADLINE_S

from drcli.errors import DrError
from drcli.paths import Workspace
from drcli.store import server, server_process
from drcli.store.client import Bucket
from drcli.store.server import check_space, ensure_server, server_config, server_status, stop_server


def test_start_use_stop_start_again(workspace: Workspace, free_port: int) -> None:
    assert not server_status(workspace).running
    assert not stop_server(workspace)
    config = ensure_server(workspace, free_port, "bucket")
    Bucket(config).put("a/b.txt", b"kept")
    status = server_status(workspace)
    assert status.running
    assert status.endpoint_url == config.endpoint_url == f"http://127.0.0.1:{free_port}"
    assert (workspace.store / "bucket" / "a" / "b.txt").read_bytes() == b"kept"
    assert stop_server(workspace)
    assert not server_status(workspace).running
    assert status.pid is not None and not _alive(status.pid)
    assert not stop_server(workspace)
    assert Bucket(ensure_server(workspace, free_port, "bucket")).get("a/b.txt") == b"kept"


def test_starting_twice_is_one_server(workspace: Workspace, free_port: int) -> None:
    first = ensure_server(workspace, free_port, "bucket")
    pid = server_status(workspace).pid
    assert ensure_server(workspace, free_port, "other").endpoint_url == first.endpoint_url
    assert server_status(workspace).pid == pid
    Bucket(replace(first, bucket="other")).check()


def test_two_callers_at_once_start_one_server(workspace: Workspace, free_port: int) -> None:
    program = (
        "import sys; from pathlib import Path; from drcli.paths import Workspace;"
        "from drcli.store.server import ensure_server, server_status;"
        f"w = Workspace(Path({str(workspace.root)!r})); ensure_server(w, {free_port}, 'bucket');"
        "print(server_status(w).pid)"
    )
    callers = [
        subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) for _ in "abc"
    ]
    said = [caller.communicate(timeout=DEADLINE_S)[0] for caller in callers]
    assert [caller.returncode for caller in callers] == [0, 0, 0]
    assert len(set(said)) == 1
    assert int(said[0]) == server_status(workspace).pid


def test_the_secret_is_in_its_file_alone(workspace: Workspace, free_port: int) -> None:
    config = ensure_server(workspace, free_port, "bucket")
    secret = config.secret_key
    assert secret and len(secret) >= 40
    assert stat.S_IMODE(workspace.store_key.stat().st_mode) == 0o600
    with pytest.raises(DrError) as refused:
        Bucket(replace(config, access_key="nobody")).check()
    with pytest.raises(DrError) as missing:
        Bucket(config).get("none")
    stop_server(workspace)
    with pytest.raises(DrError) as gone:
        Bucket(config).get("none")
    assert not any(secret in str(caught.value) for caught in (refused, missing, gone))
    ensure_server(workspace, free_port, "bucket")
    for process in psutil.process_iter():
        try:
            assert secret not in " ".join(process.cmdline())
        except psutil.Error:
            continue
    files = [path for path in workspace.root.rglob("*") if path.is_file()]
    assert [path for path in files if secret.encode() in path.read_bytes()] == [workspace.store_key]


def test_the_key_stays_and_each_workspace_has_its_own(
    workspace: Workspace, tmp_path: Path, free_port: int
) -> None:
    other = Workspace(tmp_path / "other")
    stranger = ensure_server(other, free_port, "bucket")
    stop_server(other)
    config = ensure_server(workspace, free_port, "bucket")
    assert stranger.secret_key != config.secret_key
    with pytest.raises(DrError, match="access key is unknown"):
        Bucket(stranger).check()
    stop_server(workspace)
    assert ensure_server(workspace, free_port, "bucket") == config


def test_it_listens_on_loopback_alone(workspace: Workspace, free_port: int) -> None:
    ensure_server(workspace, free_port, "bucket")
    process = psutil.Process(server_status(workspace).pid)
    listening = [c.laddr.ip for c in process.net_connections("tcp") if c.status == psutil.CONN_LISTEN]
    assert listening == ["127.0.0.1"]


def test_a_killed_server_is_started_again(workspace: Workspace, free_port: int) -> None:
    config = ensure_server(workspace, free_port, "bucket")
    Bucket(config).put("a", b"kept")
    killed = psutil.Process(server_status(workspace).pid)
    killed.kill()
    killed.wait(10)
    leftover = workspace.store / "bucket" / ".rclone_temp_put_1"
    leftover.write_bytes(b"half")
    assert not server_status(workspace).running
    assert Bucket(ensure_server(workspace, free_port, "bucket")).get("a") == b"kept"
    assert server_status(workspace).pid != killed.pid
    assert not leftover.exists()


def test_others_that_name_our_folder_are_left_alone(workspace: Workspace, free_port: int) -> None:
    program = "import sys, time; print(flush=True); time.sleep(600)"
    words = [sys.executable, "-c", program, "serve", "s3", str(workspace.store)]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as other:
        assert other.stdout and other.stdout.readline()
        assert not server_status(workspace).running
        ensure_server(workspace, free_port, "bucket")
        assert server_status(workspace).pid != other.pid
        stop_server(workspace)
        assert other.poll() is None
        other.kill()


def test_a_lost_key_says_what_to_do(workspace: Workspace, free_port: int) -> None:
    ensure_server(workspace, free_port, "bucket")
    workspace.store_key.unlink()
    with pytest.raises(DrError, match="access key is unknown") as caught:
        ensure_server(workspace, free_port, "bucket")
    assert "dr store stop" in caught.value.hint
    stop_server(workspace)
    ensure_server(workspace, free_port, "bucket")


def test_a_taken_port_names_who_has_it(workspace: Workspace) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        with pytest.raises(DrError, match=rf"Port {port}.*is in use by .*\(pid {os.getpid()}\)") as caught:
            ensure_server(workspace, port, "bucket")
    assert "DR_STORE_PORT empty" in caught.value.hint
    assert not server_status(workspace).running


def test_another_port_while_it_runs(workspace: Workspace, free_port: int) -> None:
    ensure_server(workspace, free_port, "bucket")
    with pytest.raises(DrError, match=f"already running on port {free_port}, not 1"):
        ensure_server(workspace, 1, "bucket")
    assert server_status(workspace).running


def test_settings_of_the_users_rclone_do_not_count(
    workspace: Workspace, free_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RCLONE_READ_ONLY", "true")
    monkeypatch.setenv("RCLONE_USER", "someone")
    Bucket(ensure_server(workspace, free_port, "bucket")).put("a", b"x")


def test_a_broken_key_file(workspace: Workspace, free_port: int) -> None:
    workspace.data.mkdir()
    workspace.store_key.write_text("{")
    with pytest.raises(DrError, match=r"store\.key\.json is broken") as caught:
        ensure_server(workspace, free_port, "bucket")
    assert "dr store stop" in caught.value.hint


def test_no_rclone(workspace: Workspace, free_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.metadata, "files", lambda _: None)
    with pytest.raises(DrError, match="rclone is not installed"):
        ensure_server(workspace, free_port, "bucket")


def test_a_disk_without_room(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace.store.mkdir(parents=True)
    check_space(workspace)
    usage = server.shutil.disk_usage(workspace.store)._replace(free=3 << 20)
    monkeypatch.setattr(server.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(DrError, match="disk is full: 3 MB are left"):
        check_space(workspace)


def test_a_store_that_does_not_start_shows_its_log(
    workspace: Workspace, free_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_process, "_LEAN", ("--no-such-flag",))
    with pytest.raises(DrError, match=r"(?s)did not start:.*no-such-flag") as caught:
        ensure_server(workspace, free_port, "bucket")
    assert str(workspace.store_log) in caught.value.hint


def test_a_workspace_that_cannot_be_written(workspace: Workspace, free_port: int) -> None:
    workspace.data.write_text("a file where the folder should be")
    with pytest.raises(DrError, match=str(workspace.data)):
        ensure_server(workspace, free_port, "bucket")


def _alive(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def test_data_of_minio_are_refused(workspace: Workspace, free_port: int) -> None:
    (workspace.store / ".minio.sys").mkdir(parents=True)
    with pytest.raises(DrError, match="MinIO's own format") as refused:
        ensure_server(workspace, free_port, "bucket")
    assert "dr import-drfc" in refused.value.hint
    assert not server_status(workspace).running
    assert [path.name for path in workspace.store.iterdir()] == [".minio.sys"]


def test_without_a_port_it_takes_its_usual_one_each_time(workspace: Workspace) -> None:
    first = ensure_server(workspace, None, "bucket")
    assert first == server_config(workspace, None, "bucket")
    stop_server(workspace)
    assert server_config(workspace, None, "bucket") == first  # what a plan says before the start
    assert ensure_server(workspace, None, "bucket") == first


def test_its_usual_port_is_taken(workspace: Workspace) -> None:
    with socket.create_server(("127.0.0.1", server_process.usual_port(workspace))) as holder:
        config = ensure_server(workspace, None, "bucket")
        assert config.endpoint_url != f"http://127.0.0.1:{holder.getsockname()[1]}"
        assert server_config(workspace, None, "bucket") == config  # all commands find it
        assert ensure_server(workspace, None, "bucket") == config


def test_a_server_on_a_port_that_was_set_is_found_without_it(workspace: Workspace, free_port: int) -> None:
    assert ensure_server(workspace, free_port, "bucket") == ensure_server(workspace, None, "bucket")


def test_workspaces_side_by_side(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "usual_port", lambda _: server_process.usual_port(workspace))
    other = Workspace(tmp_path / "other")
    try:
        ours, theirs = (ensure_server(each, None, "bucket") for each in (workspace, other))
        assert ours.endpoint_url != theirs.endpoint_url
        Bucket(ours).put("a", b"ours")
        assert Bucket(theirs).find("a") is None
    finally:
        stop_server(other)


def test_a_killed_server_comes_back_where_its_users_look_for_it(workspace: Workspace) -> None:
    """As when a command is faster than the supervisor of a run."""
    usual = server_process.usual_port(workspace)
    with socket.create_server(("127.0.0.1", usual)):
        config = ensure_server(workspace, None, "bucket")
    killed = psutil.Process(server_status(workspace).pid)
    killed.kill()
    killed.wait(10)
    assert ensure_server(workspace, None, "bucket") == config
