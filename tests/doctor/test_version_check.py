from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

import drcli
from drcli.doctor import version_check
from drcli.errors import DrError, UsageError

Answer = Callable[[bytes], str]


@pytest.fixture
def answering() -> Iterator[Answer]:
    """A server that answers everything with the same bytes; its address."""
    said = [b""]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(said[0])))
            self.end_headers()
            self.wfile.write(said[0])

        def log_message(self, format: str, *args: object) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()

    def answer(content: bytes) -> str:
        said[0] = content
        return f"http://127.0.0.1:{server.server_port}/newest"

    yield answer
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    "content",
    [{"info": {"version": "1.2.3"}}, {"tag_name": "v1.2.3"}, {"version": "1.2.3"}],
    ids=["index", "releases", "plain"],
)
def test_json_in_its_forms(answering: Answer, content: object) -> None:
    assert version_check.ask(answering(json.dumps(content).encode())) == "1.2.3"


def test_text(answering: Answer) -> None:
    assert version_check.ask(answering(b"v1.2.3\n")) == "1.2.3"
    assert version_check.ask(answering(b"1.2")) == "1.2"


@pytest.mark.parametrize(
    "content", [b"", b"<html>404</html>", b"{}", b"[1]", b'{"version": {"a": 1}}', b"\xff"]
)
def test_no_version(answering: Answer, content: bytes) -> None:
    with pytest.raises(DrError, match="returned no version"):
        version_check.ask(answering(content))


@pytest.mark.parametrize("url", ["", "file:///etc/passwd", "ftp://host/x", "https://", "host"])
def test_no_address(url: str) -> None:
    with pytest.raises(UsageError):
        version_check.ask(url)


def test_nobody_there(free_port: int) -> None:
    with pytest.raises(DrError, match="is unreachable"):
        version_check.ask(f"http://127.0.0.1:{free_port}/")


def test_newer() -> None:
    assert version_check.is_newer("0.10.0", "0.9.9") and version_check.is_newer("1.0.1", "1.0")
    assert version_check.is_newer("1.0.0", "1.0.0rc1")
    assert not version_check.is_newer("1.0", "1.0.0") and not version_check.is_newer("0.9", "0.10")


def test_installed() -> None:
    here = version_check.installed()
    assert here.version == drcli.__version__
    assert here.how_to_update.endswith("pull" if here.is_clone else "drcli")
