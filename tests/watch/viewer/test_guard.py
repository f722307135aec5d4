"""Who may look at a viewer, and what its answers tell the browser, asked of a real server."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.message import Message
from http.client import HTTPConnection
from threading import Thread
from typing import NamedTuple

import pytest
import uvicorn
from polling import until
from ports import free_port

from drcli.config.settings import Settings
from drcli.paths import Workspace
from drcli.watch.viewer.guard import LOOPBACK_NAMES, Access
from drcli.watch.viewer.viewer_app import build
from drcli.watch.viewer.viewer_context import ViewerContext

TOKEN = "a-token-that-nobody-guesses"


class Answer(NamedTuple):
    status: int
    headers: Message
    body: bytes


Ask = Callable[..., Answer]


@contextmanager
def served(workspace: Workspace, access: Access) -> Iterator[Ask]:
    port = free_port()
    app = build(ViewerContext(Settings(), workspace), access)
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error", timeout_graceful_shutdown=1))
    thread = Thread(target=server.run)
    thread.start()
    until(lambda: server.started)

    def ask(path: str, method: str = "GET", **headers: str) -> Answer:
        connection = HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            named = {name.replace("_", "-"): text for name, text in headers.items()}
            connection.request(method, path, headers=named)
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    yield ask
    server.should_exit = True
    thread.join()


@pytest.fixture
def open_to_this_machine(workspace: Workspace) -> Iterator[Ask]:
    with served(workspace, Access("", "viewer")) as ask:
        yield ask


@pytest.fixture
def with_token(workspace: Workspace) -> Iterator[Ask]:
    with served(workspace, Access(TOKEN, "viewer", LOOPBACK_NAMES | {"0.0.0.0"})) as ask:
        yield ask


@pytest.mark.parametrize("path", ["/", "/static/app.js", "/api/models", "/nothing"])
def test_every_answer_keeps_other_pages_out(open_to_this_machine: Ask, path: str) -> None:
    headers = open_to_this_machine(path).headers
    policy = headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "Access-Control-Allow-Origin" not in headers


def test_the_page_needs_nothing_from_elsewhere(open_to_this_machine: Ask) -> None:
    page = open_to_this_machine("/").body.decode()
    assert "http://" not in page
    assert "https://" not in page
    assert "<style" not in page
    for part in ("app.js", "theme.js", "viewer.css", "vendor/uPlot.iife.min.js", "vendor/lit-html.js"):
        assert open_to_this_machine(f"/static/{part}").status == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_only_reading_is_possible(open_to_this_machine: Ask, method: str) -> None:
    assert open_to_this_machine("/api/models", method).status == 405


def test_a_foreign_name_for_this_machine_is_refused(open_to_this_machine: Ask) -> None:
    assert open_to_this_machine("/", Host="evil.example:8100").status == 421
    assert open_to_this_machine("/", Host="localhost:8100").status == 200
    assert open_to_this_machine("/", Host="[::1]:8100").status == 200


def test_a_foreign_page_may_link_here_but_not_read(open_to_this_machine: Ask) -> None:
    foreign = {"Sec_Fetch_Site": "cross-site"}
    assert open_to_this_machine("/api/models", **foreign, Sec_Fetch_Mode="no-cors").status == 403
    assert open_to_this_machine("/", **foreign, Sec_Fetch_Mode="navigate").status == 200


@pytest.mark.parametrize("path", ["/", "/events", "/static/app.js", "/?token=wrong", "/?token="])
def test_without_the_token_nothing_is_shown(with_token: Ask, path: str) -> None:
    answer = with_token(path)
    assert answer.status == 401
    assert TOKEN not in answer.body.decode() + str(answer.headers)


def test_the_address_with_the_token_sets_a_cookie_that_scripts_cannot_read(with_token: Ask) -> None:
    first = with_token(f"/?token={TOKEN}")
    cookie = first.headers["Set-Cookie"]
    assert first.status == 200
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert with_token("/static/app.js", Cookie=cookie.partition(";")[0]).status == 200
    assert with_token("/static/app.js", Cookie="viewer=wrong").status == 401


def test_a_store_that_is_away_is_an_answer(open_to_this_machine: Ask) -> None:
    answer = open_to_this_machine("/api/models")
    assert answer.status == 409
    assert "dr store start" in json.loads(answer.body)["hint"]
    assert open_to_this_machine("/api/checkpoints").status == 400


@pytest.mark.parametrize(
    "query", ["run=x&kind=training&name=a", "run=0&kind=else&name=a", "run=0&kind=training&name=../a"]
)
def test_logs_are_only_those_of_runs(open_to_this_machine: Ask, query: str) -> None:
    assert open_to_this_machine(f"/logs?{query}").status == 400


def test_a_log_that_is_not_there_is_a_problem_of_the_stream(open_to_this_machine: Ask) -> None:
    assert b"event: problem" in open_to_this_machine("/logs?run=7&kind=training&name=sagemaker").body
