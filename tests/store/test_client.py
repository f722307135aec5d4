from __future__ import annotations

import os
import socketserver
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import psutil
import pytest

from drcli.errors import DrError
from drcli.store.client import Bucket
from drcli.store.store_config import StoreConfig

SECRET = "0123456789abcdef-a-wrong-secret"


def test_put_get_find_exists_copy_delete(bucket: Bucket) -> None:
    bucket.put("a/b.txt", b"one")
    bucket.put("a/b.txt", b"two")
    assert bucket.get("a/b.txt") == b"two"
    assert bucket.exists("a/b.txt")
    assert not bucket.exists("a/b")
    assert bucket.find("a/none.txt") is None
    bucket.copy("a/b.txt", "c.txt")
    bucket.delete(["a/b.txt", "a/never.txt"])
    assert [(info.key, info.size_bytes) for info in bucket.list()] == [("c.txt", 3)]


def test_a_listing_is_longer_than_a_page_and_sorted(bucket: Bucket) -> None:
    folder = Path(_data_folder(bucket)) / "many"
    folder.mkdir()
    for number in range(1100):
        (folder / f"{number}.txt").write_bytes(b"x")
    bucket.put("other.txt", b"")
    keys = [info.key for info in bucket.list("many/")]
    assert len(keys) == 1100
    assert keys == sorted(keys)
    assert bucket.delete_prefix("many") == 1100
    assert [info.key for info in bucket.list()] == ["other.txt"]


def test_deleting_a_prefix_spares_its_siblings(bucket: Bucket) -> None:
    for key in ("model/a", "model/b/c", "model-10/a", "model.txt", "my/model/a"):
        bucket.put(key, b"")
    assert bucket.delete_prefix("model/") == 2
    assert [info.key for info in bucket.list()] == ["model-10/a", "model.txt", "my/model/a"]


@pytest.mark.parametrize("prefix", ["", "/", "//"])
def test_an_empty_prefix_is_not_deleted(bucket: Bucket, prefix: str) -> None:
    bucket.put("a", b"")
    with pytest.raises(DrError, match="whole bucket"):
        bucket.delete_prefix(prefix)
    assert bucket.exists("a")


@pytest.mark.parametrize("size_bytes", [0, 3_000_000, 70 << 20])  # the last in several parts
def test_files_go_up_and_down(bucket: Bucket, tmp_path: Path, size_bytes: int) -> None:
    source, target = tmp_path / "source", tmp_path / "new" / "target"
    source.write_bytes(os.urandom(size_bytes))
    up: list[int] = []
    down: list[int] = []
    bucket.upload_file(source, "big", up.append)
    bucket.download_file("big", target, down.append)
    assert target.read_bytes() == source.read_bytes()
    assert sum(up) == sum(down) == size_bytes
    assert os.listdir(target.parent) == ["target"]


def test_a_failed_download_leaves_no_file(bucket: Bucket, tmp_path: Path) -> None:
    with pytest.raises(DrError, match=r"none\.bin in the bucket .*no such object"):
        bucket.download_file("none.bin", tmp_path / "target")
    assert not list(tmp_path.iterdir())


def test_a_missing_local_file_is_named(bucket: Bucket, tmp_path: Path) -> None:
    with pytest.raises(DrError, match=r"absent: No such file"):
        bucket.upload_file(tmp_path / "absent", "key")


def test_an_upload_cut_off_leaves_the_old_object(bucket: Bucket) -> None:
    bucket.put("a", b"old")
    sent = threading.Event()

    class Cut:
        def read(self, size: int = -1) -> bytes:
            if sent.is_set():
                raise ConnectionAbortedError("killed")
            sent.set()
            return b"x" * 500_000

        def __len__(self) -> int:
            return 1_000_000

        def seek(self, *_: int) -> int:
            return 0

        def tell(self) -> int:
            return 0

    with pytest.raises(DrError):
        bucket.put("a", Cut())  # type: ignore[arg-type]
    assert sent.is_set()
    assert bucket.get("a") == b"old"
    assert [info.key for info in bucket.list()] == ["a"]


def test_get_names_endpoint_bucket_and_key(bucket: Bucket) -> None:
    with pytest.raises(DrError) as caught:
        bucket.get("some/key.json")
    for part in ("some/key.json", bucket.config.bucket, str(bucket.config.endpoint_url)):
        assert part in caught.value.message
    assert caught.value.hint


def test_a_wrong_secret(store: StoreConfig) -> None:
    with pytest.raises(DrError, match="secret key is wrong") as caught:
        Bucket(replace(store, secret_key=SECRET)).check()
    assert caught.value.hint
    assert SECRET not in str(caught.value)


def test_an_unknown_access_key(store: StoreConfig) -> None:
    with pytest.raises(DrError, match="access key is unknown"):
        Bucket(replace(store, access_key="nobody-at-all")).check()


def test_a_missing_bucket(store: StoreConfig) -> None:
    with pytest.raises(DrError, match=r"nowhere.*no such bucket") as caught:
        Bucket(replace(store, bucket="nowhere")).check()
    assert "DR_LOCAL_S3_BUCKET" in caught.value.hint
    with pytest.raises(DrError, match="no such bucket"):
        Bucket(replace(store, bucket="nowhere")).put("a", b"")


def test_an_unreachable_store(store: StoreConfig, free_port: int) -> None:
    config = replace(store, endpoint_url=f"http://127.0.0.1:{free_port}")
    with pytest.raises(DrError, match=rf"bucket at http://127\.0\.0\.1:{free_port} is unreachable"):
        Bucket(config).check()


@pytest.mark.parametrize("address", ["not an address", "http://", "9000"])
def test_a_bad_address(store: StoreConfig, address: str) -> None:
    with pytest.raises(DrError):
        Bucket(replace(store, endpoint_url=address)).check()


def test_something_else_answers(store: StoreConfig, web_server: int) -> None:
    with pytest.raises(DrError, match="not an S3 store"):
        Bucket(replace(store, endpoint_url=f"http://127.0.0.1:{web_server}")).check()


def test_check_can_try_to_write(bucket: Bucket) -> None:
    bucket.check(write=True)
    assert bucket.list() == []


def test_a_disk_that_is_full(bucket: Bucket) -> None:
    server = _server(bucket)
    try:  # the server may not write more than 1 MB to a file: the same answer as on a full disk
        server.rlimit(psutil.RLIMIT_FSIZE, (1 << 20, psutil.RLIM_INFINITY))
    except (AttributeError, psutil.AccessDenied):
        pytest.skip("needs Linux, to limit what another process writes")
    bucket.put("a", b"old")
    try:
        with pytest.raises(DrError, match=r"a in the bucket .*store failed") as caught:
            bucket.put("a", b"x" * (5 << 20))
    finally:
        server.rlimit(psutil.RLIMIT_FSIZE, (psutil.RLIM_INFINITY, psutil.RLIM_INFINITY))
    assert "disk full" in caught.value.hint
    assert bucket.get("a") == b"old"


def test_the_secret_is_in_no_repr(store: StoreConfig) -> None:
    assert store.secret_key and store.secret_key not in repr(store)


def test_nothing_of_the_users_aws_settings_gets_in_between(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = tmp_path / "config"
    broken.write_text("[profile\nnonsense")
    monkeypatch.setenv("AWS_PROFILE", "no-such-profile")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(broken))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "someone-else")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    address = str(bucket.config.endpoint_url).replace("127.0.0.1", "localhost")  # another client
    other = Bucket(replace(bucket.config, endpoint_url=address))
    other.put("a", b"x")
    assert other.get("a") == b"x"


def test_a_profile_of_the_users(bucket: Bucket, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    credentials = tmp_path / "credentials"
    credentials.write_text(
        f"[nas]\naws_access_key_id = {bucket.config.access_key}\n"
        f"aws_secret_access_key = {bucket.config.secret_key}\n"
    )
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(credentials))
    config = replace(bucket.config, access_key=None, secret_key=None, profile="nas")
    Bucket(config).put("a", b"x")
    assert bucket.get("a") == b"x"
    with pytest.raises(DrError, match="no AWS profile nowhere"):
        Bucket(replace(config, profile="nowhere")).check()


def test_no_credentials_at_all() -> None:
    with pytest.raises(DrError, match="No AWS credentials"):
        Bucket(StoreConfig("bucket", "http://127.0.0.1:9")).check()


def test_it_works_from_several_threads(bucket: Bucket) -> None:
    errors: list[BaseException] = []

    def work(name: str) -> None:
        try:
            for number in range(20):
                bucket.put(f"{name}/{number}", name.encode())
                assert bucket.get(f"{name}/{number}") == name.encode()
        except BaseException as error:  # noqa: BLE001 - reported by the test
            errors.append(error)

    threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert len(bucket.list()) == 80


@pytest.fixture
def web_server() -> Iterator[int]:
    """A web server that is not an S3 store; its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(404, "no such page")

        def log_message(self, *_: object) -> None:
            pass

    with socketserver.TCPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def _server(bucket: Bucket) -> psutil.Process:
    """The process of the session's server."""
    port = int(str(bucket.config.endpoint_url).rsplit(":", 1)[1])
    found = psutil.process_iter(["cmdline"])  # which copes with zombies that other tests have left
    return next(c for c in found if any(f"127.0.0.1:{port}" in part for part in c.info["cmdline"] or ()))


def _data_folder(bucket: Bucket) -> str:
    return os.path.join(_server(bucket).cmdline()[-1], bucket.config.bucket)
