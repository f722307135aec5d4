from __future__ import annotations

import json
from threading import Event, Thread
from typing import Any

import pytest
from botocore.exceptions import ClientError, ResponseStreamingError

from drcli.errors import DrError
from drcli.store import torn_reads
from drcli.store.client import Bucket
from drcli.store.torn_reads import read_whole


def failure(cause: Exception) -> DrError:
    error = DrError("the store failed")
    error.__cause__ = cause
    return error


CUT_OFF = failure(ResponseStreamingError(error="529 bytes read, 5 more expected"))
FAILED = failure(ClientError({"Error": {"Code": "InternalError"}}, "GetObject"))
DENIED = failure(ClientError({"Error": {"Code": "AccessDenied"}}, "GetObject"))


def reading(*answers: bytes | DrError | None) -> Any:
    rest = list(answers)

    def read() -> bytes | None:
        answer = rest.pop(0)
        if isinstance(answer, DrError):
            raise answer
        return answer

    return read


@pytest.mark.parametrize("torn", [b"who", b"whole and more", CUT_OFF, FAILED])
def test_what_is_torn_is_read_again(torn: bytes | DrError) -> None:
    assert read_whole(reading(torn, torn, b"whole"), lambda: 5) == b"whole"


def test_what_is_not_there_is_not_waited_for() -> None:
    assert read_whole(reading(None), lambda: 5) is None
    assert read_whole(reading(b"whole", None), lambda: None) is None  # deleted in the meantime


def test_another_error_is_raised_at_once() -> None:
    with pytest.raises(DrError) as raised:
        read_whole(reading(DENIED), lambda: 5)
    assert raised.value is DENIED


def test_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torn_reads, "_PATIENCE_S", 0.0)
    with pytest.raises(DrError, match="changes faster than it can be read"):
        read_whole(lambda: b"a", lambda: 2)


def test_a_document_that_is_written_again_and_again(bucket: Bucket) -> None:
    """With the real server; without the second look one read in 500 was torn."""
    is_enough = Event()

    def write() -> None:
        length = 500
        while not is_enough.is_set():
            length = 500 + (length * 7 + 3) % 41
            bucket.put("status.json", json.dumps({"text": length * "x", "end": True}).encode())

    bucket.put("status.json", b'{"end": true}')
    writer = Thread(target=write)
    writer.start()
    try:
        for _ in range(20):
            assert json.loads(bucket.get("status.json"))["end"]
    finally:
        is_enough.set()
        writer.join()
