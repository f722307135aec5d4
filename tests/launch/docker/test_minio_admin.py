"""The administration of MinIO, against the stand-in as a real server: without Docker."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import Any

import minio_standin
import psutil
import pytest
from ports import free_port

from drcli.config.load import settings_of
from drcli.doctor import storage_checks
from drcli.doctor.finding import Subject
from drcli.errors import DrError
from drcli.launch.docker import minio, minio_accounts
from drcli.launch.docker.minio_admin import MinioServer, NotGranted, policy_of
from drcli.launch.docker.minio_store import MinioStore
from drcli.paths import Workspace
from drcli.store.client import Bucket
from drcli.store.server_process import rclone_program
from drcli.store.store_config import StoreConfig

ROOT = ("root-user", "root-password-0123456789")


@dataclass(frozen=True)
class StandIn:
    url: str
    process: psutil.Process
    log: Path

    @property
    def server(self) -> MinioServer:
        return MinioServer(self.url, *ROOT)

    def bucket(self, name: str, keys: tuple[str, str] = ROOT) -> Bucket:
        return Bucket(StoreConfig(name, self.url, access_key=keys[0], secret_key=keys[1]))


@contextmanager
def stand_in(folder: Path, **more: str) -> Iterator[StandIn]:
    port = free_port()
    environment = {
        "MINIO_ROOT_USER": ROOT[0],
        "MINIO_ROOT_PASSWORD": ROOT[1],
        "RCLONE": str(rclone_program()),
    }
    words = [sys.executable, minio_standin.__file__, str(folder / "data"), f"127.0.0.1:{port}"]
    log = folder / "minio.log"
    with log.open("w") as file:
        started = subprocess.Popen(words, env=os.environ | environment | more, stdout=file, stderr=file)
    process = psutil.Process(started.pid)
    try:
        minio_standin._wait_for(port)
        yield StandIn(f"http://127.0.0.1:{port}", process, log)
    finally:
        for child in process.children():
            child.kill()
        started.kill()
        started.wait()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    with stand_in(tmp_path_factory.mktemp("minio")) as running:
        for name in ("bucket", "other"):
            running.bucket(name).ensure_bucket()
            running.bucket(name).put("a/b", b"x")
        yield running


def test_it_stands_for_a_store(running: StandIn) -> None:
    bucket = running.bucket("bucket")
    bucket.check(write=True)
    assert set(bucket.names()) >= {"bucket", "other"}
    with pytest.raises(DrError, match="secret key is wrong"):
        running.bucket("bucket", (ROOT[0], "wrong-password")).check()
    with pytest.raises(DrError, match="access key is unknown"):
        running.bucket("bucket", ("nobody", "wrong-password")).check()


def test_health(running: StandIn) -> None:
    health = running.server.health()
    assert health.is_well and not health.faulty_drives
    assert 0 < health.free_bytes <= health.total_bytes


def test_the_key_of_a_run_opens_its_bucket_and_nothing_else(running: StandIn) -> None:
    key = running.server.make_account("deepracer-eval-99", "bucket")
    assert key.access_key in running.server.accounts()
    keys = (key.access_key, key.secret_key)
    bucket = running.bucket("bucket", keys)
    bucket.check(write=True)
    bucket.ensure_bucket()
    bucket.put("c", b"y")
    bucket.copy("c", "d")
    assert bucket.get("d") == b"y" and bucket.exists("a/b")
    assert {info.key for info in bucket.list()} == {"a/b", "c", "d"}
    bucket.delete(["c", "d"])
    other = running.bucket("other", keys)
    forbidden: list[Callable[[], object]] = [
        other.check,
        lambda: other.get("a/b"),
        lambda: other.put("a/b", b"z"),
        lambda: other.delete(["a/b"]),
        lambda: bucket.copy("a/b", "stolen", src_bucket="other"),
        bucket.names,
        running.bucket("third", keys).ensure_bucket,
    ]
    for call in forbidden:
        with pytest.raises(DrError, match="access is denied"):
            call()
    with pytest.raises(NotGranted, match="403 AccessDenied"):
        MinioServer(running.url, *keys).make_account("more", "other")
    assert running.bucket("other").get("a/b") == b"x"


def test_a_key_is_replaced_and_removed(running: StandIn) -> None:
    first = running.server.make_account("deepracer-0", "bucket")
    second = running.server.make_account("deepracer-0", "bucket")
    assert first.secret_key != second.secret_key
    with pytest.raises(DrError, match="secret key is wrong"):
        running.bucket("bucket", (first.access_key, first.secret_key)).check()
    running.bucket("bucket", (second.access_key, second.secret_key)).check()
    assert running.server.remove_account("deepracer-0")
    assert not running.server.remove_account("deepracer-0")
    assert "deepracer-0" not in running.server.accounts()
    with pytest.raises(DrError, match="access key is unknown"):
        running.bucket("bucket", (second.access_key, second.secret_key)).check()


def test_secrets_are_in_no_log_and_no_process_list(running: StandIn) -> None:
    key = running.server.make_account("deepracer-1", "bucket")
    words = " ".join(
        word for process in psutil.process_iter(["cmdline"]) for word in process.info["cmdline"] or ()
    )
    assert not any(secret in words + running.log.read_text() for secret in (key.secret_key, ROOT[1]))
    assert running.server.remove_account("deepracer-1")


def test_a_policy_names_one_bucket() -> None:
    resources = [statement["Resource"] for statement in policy_of("mine")["Statement"]]
    assert resources == [["arn:aws:s3:::mine"], ["arn:aws:s3:::mine/*"]]
    assert "*" not in str([statement["Action"] for statement in policy_of("mine")["Statement"]])


def test_wrong_keys_and_nobody_there(running: StandIn) -> None:
    with pytest.raises(NotGranted, match="403 SignatureDoesNotMatch") as refused:
        MinioServer(running.url, ROOT[0], "not-the-password").health()
    assert "not-the-password" not in str(refused.value)
    with pytest.raises(DrError, match="does not respond"):
        MinioServer(f"http://127.0.0.1:{free_port()}", *ROOT).health()


@pytest.mark.parametrize("body", [b"", b"[]", b"<html>", b"x" * 100])
def test_another_server(body: bytes) -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_PUT = do_DELETE = do_GET

        def log_message(self, format: str, *args: object) -> None:
            return

    with HTTPServer(("127.0.0.1", 0), Handler) as other:
        thread = Thread(target=other.serve_forever)
        thread.start()
        server = MinioServer(f"http://127.0.0.1:{other.server_port}", *ROOT)
        try:
            for call in (
                server.health,
                server.accounts,
                lambda: server.make_account("deepracer-0", "bucket"),
            ):
                with pytest.raises(NotGranted):
                    call()
        finally:
            other.shutdown()
            thread.join()


@pytest.fixture
def container(running: StandIn, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The stand-in as Docker would show it."""
    yield _show(running, monkeypatch)


def _show(running: StandIn, monkeypatch: pytest.MonkeyPatch) -> Any:
    published = {"9000/tcp": [{"HostIp": "127.0.0.1", "HostPort": running.url.rpartition(":")[2]}]}
    variables = [f"MINIO_ROOT_USER={ROOT[0]}", f"MINIO_ROOT_PASSWORD={ROOT[1]}"]
    attributes = {"NetworkSettings": {"Ports": published}, "Config": {"Env": variables}}
    found = SimpleNamespace(status="running", attrs=attributes)
    monkeypatch.setattr(minio, "of_workspace", lambda workspace: found)
    return found


COMPOSE = {"DR_DOCKER_STYLE": "compose"}


def test_a_run_gets_a_key_and_loses_it(running: StandIn, container: Any, workspace: Workspace) -> None:
    settings = settings_of(COMPOSE | {"DR_RUN_ID": "7"})
    store = MinioStore("compose")
    given = store.run_credentials(settings, workspace, "training", "model")
    assert given is not None and given["AWS_ACCESS_KEY_ID"] == "deepracer-7"
    assert ROOT[1] not in given.values()
    running.bucket("bucket", (given["AWS_ACCESS_KEY_ID"], given["AWS_SECRET_ACCESS_KEY"])).check(write=True)
    assert "deepracer-7" in running.server.accounts()
    store.end_run(workspace, "deepracer-7")
    store.end_run(workspace, "deepracer-7")
    assert "deepracer-7" not in running.server.accounts()


def test_what_the_doctor_and_the_status_say(container: Any, workspace: Workspace) -> None:
    (result,) = storage_checks.check_minio_server(Subject(settings_of(COMPOSE), workspace))
    assert result.level == "ok" and "healthy" in result.message and "GB free" in result.message
    facts = minio_accounts.health_facts(workspace)
    assert facts["healthy"] is True and facts["free_bytes"] > 0


def test_a_server_that_grants_nothing(
    tmp_path: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    with stand_in(tmp_path, STANDIN_ADMIN="off") as running:
        _show(running, monkeypatch)
        settings, store = settings_of(COMPOSE), MinioStore("compose")
        assert store.run_credentials(settings, workspace, "training", "model") is None
        store.end_run(workspace, "deepracer-0")
        (result,) = storage_checks.check_minio_server(Subject(settings, workspace))
        assert result.level == "warning" and "403 AccessDenied" in result.message and result.fix
        assert minio_accounts.health_facts(workspace) == {"healthy": None, "free_bytes": None}


def test_no_minio(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minio, "of_workspace", lambda workspace: None)
    assert minio_accounts.server_of(workspace) is None
    assert minio_accounts.make_run_key(workspace, "deepracer-0", "bucket") is None
    minio_accounts.remove_run_key(workspace, "deepracer-0")
    assert list(storage_checks.check_minio_server(Subject(settings_of(COMPOSE), workspace))) == []
