"""The engine that is not there: said in one line, and nothing stays open."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from drcli.errors import DrError
from drcli.launch.docker import docker_engine


@pytest.fixture(autouse=True)
def nothing_remembered() -> Iterator[None]:
    docker_engine.client.cache_clear()
    yield
    docker_engine.client.cache_clear()


def test_without_an_engine_no_socket_stays_open(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    gc.freeze()  # what other tests have left is none of its business, and takes seconds to go through
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path / 'nobody.sock'}")
    with warnings.catch_warnings(record=True) as left_open:
        warnings.simplefilter("always")
        with pytest.raises(DrError, match="Docker"):
            docker_engine.client()
        gc.collect()
    gc.unfreeze()
    assert [str(warning.message) for warning in left_open] == []
