"""A store that is unreachable when a service starts."""

from __future__ import annotations

import threading
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from drcli.errors import DrError
from drcli.paths import Workspace
from drcli.services.shared import store_retry
from drcli.services.shared.store_retry import retry_while_unreachable
from drcli.store.client import Bucket
from drcli.store.server import ensure_server, stop_server

GOES_ON: Any = SimpleNamespace(is_set=False)


def test_it_is_waited_for(
    workspace: Workspace, free_port: int, monkeypatch: pytest.MonkeyPatch, until: Any
) -> None:
    monkeypatch.setattr(store_retry, "PAUSE_S", 0.05)
    bucket = Bucket(ensure_server(workspace, free_port, "bucket"))
    bucket.put("a", b"there")
    stop_server(workspace)
    found: list[bytes] = []
    said: list[str] = []
    monkeypatch.setattr(store_retry.service_log, "line", said.append)

    def wait() -> None:
        found.append(retry_while_unreachable(lambda: bucket.get("a"), bucket, GOES_ON))

    waiting = threading.Thread(target=wait, daemon=True)
    waiting.start()
    until(lambda: said)
    ensure_server(workspace, free_port, "bucket")
    waiting.join(30)
    assert found == [b"there"]
    assert said[0].startswith("The store is unreachable, next try in 0.05 s: ")


def test_what_is_wrong_in_a_store_that_is_there_is_said_at_once(bucket: Bucket) -> None:
    with pytest.raises(DrError, match="nothing was not found"):
        retry_while_unreachable(lambda: bucket.get("nothing"), bucket, GOES_ON)


@pytest.mark.parametrize("reason", ["it is stopped", "patience ends"])
def test_waiting_ends(bucket: Bucket, free_port: int, monkeypatch: pytest.MonkeyPatch, reason: str) -> None:
    away = Bucket(replace(bucket.config, endpoint_url=f"http://127.0.0.1:{free_port}"))
    stop: Any = SimpleNamespace(is_set=reason == "it is stopped")
    if not stop.is_set:
        monkeypatch.setattr(store_retry, "PATIENCE_S", 0.0)
    with pytest.raises(DrError, match="is unreachable"):
        retry_while_unreachable(lambda: away.get("a"), away, stop)
