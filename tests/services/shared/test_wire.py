"""The wire: frames, keys, and who gets through."""

from __future__ import annotations

import json
import pickle
import secrets
import socket as tcp
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgpack
import numpy as np
import pytest
import zmq
from hypothesis import given
from hypothesis import strategies as st
from polling import DEADLINE_S
from zmq.utils.monitor import recv_monitor_message

from drcli.errors import DrError
from drcli.services.shared import wire
from drcli.services.shared.wire import (
    Message,
    TrainerSocket,
    WireError,
    WorkerSocket,
    decode,
    encode,
)
from drcli.services.shared.wire_keys import WireKeys


@pytest.fixture(scope="module")
def keys() -> WireKeys:
    return WireKeys.create()


@pytest.fixture
def endpoint(free_port: int) -> str:
    return f"tcp://127.0.0.1:{free_port}"


@pytest.fixture
def trainer(endpoint: str, keys: WireKeys) -> Iterator[TrainerSocket]:
    socket = TrainerSocket(endpoint, keys)
    yield socket
    socket.close()


@pytest.fixture
def worker(endpoint: str, keys: WireKeys) -> Iterator[WorkerSocket]:
    socket = WorkerSocket(endpoint, keys, b"worker")
    yield socket
    socket.close()


@pytest.fixture
def dealer(endpoint: str, keys: WireKeys) -> Iterator[zmq.Socket[bytes]]:
    """A client that holds the run's keys and sends what it likes."""
    context = zmq.Context()
    socket = context.socket(zmq.DEALER)
    socket.curve_serverkey = keys.server_public.encode()
    socket.curve_publickey = keys.client_public.encode()
    socket.curve_secretkey = keys.client_secret.encode()
    socket.connect(endpoint)
    yield socket
    context.destroy(linger=0)


@pytest.mark.parametrize(
    "array",
    [
        np.arange(24, dtype=np.uint8).reshape(2, 3, 4),
        np.array([True, False]),
        np.array([-1, 2**40], np.int64),
        np.array([[1.5, np.nan]], np.float32),
        np.zeros((0, 120, 160), np.uint8),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.arange(10, dtype=np.int16)[::2],
    ],
    ids=lambda array: f"{array.dtype}{list(array.shape)}",
)
def test_arrays_come_through_as_they_are(trainer: Any, worker: Any, array: Any) -> None:
    worker.send(Message("some", {"number": 1, "text": "ü"}, {"a": array, "b": array}))
    identity, message = trainer.receive(DEADLINE_S)
    assert (identity, message.kind, message.header) == (b"worker", "some", {"number": 1, "text": "ü"})
    for name in "ab":
        np.testing.assert_array_equal(message.arrays[name], array)
        assert message.arrays[name].dtype == array.dtype
        assert not message.arrays[name].flags.writeable


def test_the_trainer_answers_the_worker_it_names(trainer: Any, endpoint: str, keys: WireKeys) -> None:
    workers = {name: WorkerSocket(endpoint, keys, name) for name in (b"a", b"b")}
    for socket in workers.values():
        socket.send(Message("hello"))
    assert {trainer.receive(DEADLINE_S)[0] for _ in workers} == set(workers)
    for name in workers:
        trainer.send(name, Message("for", {"you": name}))
    for name, socket in workers.items():
        assert socket.receive(DEADLINE_S).header == {"you": name}
        assert socket.receive(0) is None
        socket.close()
    trainer.send(b"a", Message("nobody is there to read this"))
    assert trainer.receive(0) is None


def test_a_message_waits_until_the_trainer_is_there(endpoint: str, keys: WireKeys, worker: Any) -> None:
    worker.send(Message("early"))
    first = TrainerSocket(endpoint, keys)
    assert first.receive(DEADLINE_S)[1].kind == "early"
    first.close()
    worker.send(Message("late"))  # the worker finds the next trainer by itself
    second = TrainerSocket(endpoint, keys)
    identity, message = second.receive(DEADLINE_S)
    assert message.kind == "late"
    second.send(identity, Message("answer"))
    assert worker.receive(DEADLINE_S).kind == "answer"
    second.close()


def curve(socket: zmq.Socket[bytes], server: str, public: str, secret: str) -> None:
    socket.curve_serverkey, socket.curve_publickey = server.encode(), public.encode()
    socket.curve_secretkey = secret.encode()


@pytest.mark.parametrize("who", ["without keys", "with keys of its own", "with the server's public key"])
def test_nothing_of_a_stranger_gets_through(
    who: str, trainer: Any, worker: Any, endpoint: str, keys: WireKeys
) -> None:
    other = WireKeys.create()
    context = zmq.Context()
    stranger = context.socket(zmq.DEALER)
    if who == "with keys of its own":
        curve(stranger, other.server_public, other.client_public, other.client_secret)
    elif who == "with the server's public key":
        curve(stranger, keys.server_public, other.client_public, other.client_secret)
    monitor = stranger.get_monitor_socket()
    stranger.connect(endpoint)
    stranger.send_multipart(encode(Message("let me in")), copy=False)
    refused = {zmq.EVENT_HANDSHAKE_FAILED_AUTH, zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL,
               zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL, zmq.EVENT_DISCONNECTED}  # fmt: skip
    events = set()
    while not events & refused:
        assert monitor.poll(DEADLINE_S * 1000), f"only {events}"
        events.add(recv_monitor_message(monitor)["event"])
    assert zmq.EVENT_HANDSHAKE_SUCCEEDED not in events

    worker.send(Message("mine"))
    assert trainer.receive(DEADLINE_S)[1].kind == "mine"
    assert trainer.receive(0) is None
    context.destroy(linger=0)


class Boom:
    """Unpickling one would leave a trace."""

    hit = False

    def __reduce__(self) -> tuple[Any, ...]:
        return setattr, (Boom, "hit", True)


def head(*parts: Any) -> bytes:
    packed: bytes = msgpack.packb(list(parts))
    return packed


MALFORMED = {
    "empty": [b""],
    "no msgpack": [b"\xc1"],
    "cut off": [head("alive", {"index": 0}, [])[:-3]],
    "too much": [head("alive", {}, []) + b"x"],
    "pickled": [pickle.dumps(Message("alive"))],
    "pickled array": [head("x", {}, [["a", "uint8", [3]]]), pickle.dumps(Boom())],
    "pickled objects": [head("x", {}, [["a", "object", [1]]]), pickle.dumps([Boom()])],
    "two parts": [head("alive", {})],
    "kind is a number": [head(1, {}, [])],
    "header is a list": [head("alive", [], [])],
    "structured type": [head("x", {}, [["a", "u1,O", [1]]]), b"\0" * 9],
    "unhashable type": [head("x", {}, [["a", ["uint8"], [1]]]), b"\0"],
    "unhashable name": [head("x", {}, [[["a"], "uint8", [1]]]), b"\0"],
    "length": [head("x", {}, [["a", "float32", [2]]]), b"\0" * 9],
    "shape": [head("x", {}, [["a", "float32", [2]]]), b"\0" * 12],
    "negative": [head("x", {}, [["a", "uint8", [-1, -1]]]), b"\0"],
    "huge": [head("x", {}, [["a", "uint8", [2**64 - 1]]]), b"\0"],
    "no shape": [head("x", {}, [["a", "uint8", None]]), b"\0"],
    "text": [head("x", {}, [["a", "uint8", "1"]]), b"\0"],
    "frame missing": [head("x", {}, [["a", "uint8", [1]]])],
    "frame too many": [head("x", {}, []), b"\0"],
}


@pytest.mark.parametrize("frames", MALFORMED.values(), ids=MALFORMED)
def test_what_is_no_message_is_dropped(frames: list[bytes], trainer: Any, dealer: Any) -> None:
    with pytest.raises(WireError):
        decode(frames)
    dealer.send_multipart(frames)
    dealer.send_multipart(encode(Message("next")))
    assert trainer.receive(DEADLINE_S)[1] == Message("malformed")
    assert trainer.receive(DEADLINE_S)[1].kind == "next"
    assert not Boom.hit


def test_unpickling_would_have_left_a_trace() -> None:
    pickle.loads(pickle.dumps(Boom()))
    assert Boom.hit
    Boom.hit = False


@given(st.lists(st.binary(max_size=60), max_size=4))
def test_any_frames_are_a_message_or_a_wire_error(frames: list[bytes]) -> None:
    with suppress(WireError):
        decode(frames)


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=12,
)


@given(st.lists(values, max_size=4), st.lists(st.binary(max_size=16), max_size=2))
def test_any_header_is_a_message_or_a_wire_error(header: list[Any], frames: list[bytes]) -> None:
    with suppress(WireError):
        decode([msgpack.packb(header), *frames])


@given(st.lists(values, min_size=3, max_size=3), st.binary(max_size=16))
def test_any_array_is_a_message_or_a_wire_error(array: list[Any], frame: bytes) -> None:
    with suppress(WireError):
        decode([msgpack.packb(["x", {}, [array]]), frame])


def test_a_taken_port_is_named(endpoint: str, keys: WireKeys, trainer: Any) -> None:
    with pytest.raises(DrError, match=endpoint) as error:
        TrainerSocket(endpoint, keys)
    assert "port" in error.value.hint


def test_keys_are_for_their_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "run" / "wire.json"
    keys = WireKeys.ensure(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert WireKeys.ensure(path) == WireKeys.read(path) == WireKeys.await_keys(path) == keys
    assert keys.server_secret not in repr(keys)
    assert keys.client_secret not in repr(keys)
    assert list(path.parent.iterdir()) == [path]


def test_trainers_that_race_agree_on_the_keys(tmp_path: Path) -> None:
    path = tmp_path / "wire.json"
    code = "import sys, pathlib; from drcli.services.shared.wire_keys import WireKeys; sys.stdin.read(1);" \
           "print(WireKeys.ensure(pathlib.Path(sys.argv[1])).server_secret)"  # fmt: skip
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", code, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    for racer in racers:
        assert racer.stdin
        racer.stdin.write("x")
        racer.stdin.flush()
    said = {racer.communicate()[0].strip() for racer in racers}
    assert said == {json.loads(path.read_text())["server_secret"]}
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("content", [None, "", "{}", '{"server_public": "x"}', "[1, 2]", "\xff"])
def test_keys_that_cannot_be_read(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "wire.json"
    if content is not None:
        path.write_text(content, encoding="latin-1")
    with pytest.raises(DrError, match=r"wire\.json"):
        WireKeys.await_keys(path, patience_s=0.0)


def test_keys_of_a_secret_are_the_same_everywhere_and_let_in_nobody_else(
    endpoint: str, free_port: int
) -> None:
    secret, other = secrets.token_hex(32), secrets.token_hex(32)
    assert WireKeys.from_secret(secret) == WireKeys.from_secret(secret)
    keys = WireKeys.from_secret(secret)
    assert len({*vars(keys).values(), *vars(WireKeys.from_secret(other)).values()}) == 8
    assert not [value for name, value in vars(keys).items() if "secret" in name and value in repr(keys)]
    trainer = TrainerSocket(f"tcp://0.0.0.0:{free_port}", keys)
    stranger = WorkerSocket(endpoint, WireKeys.from_secret(other), b"stranger")
    worker = WorkerSocket(endpoint, WireKeys.from_secret(secret), b"worker")
    for end in (stranger, worker):
        end.send(Message("hello"))
    identity, _ = trainer.receive(DEADLINE_S)  # type: ignore[misc]
    assert identity == b"worker"
    assert trainer.receive(0) is None
    for end in (stranger, worker, trainer):
        end.close()


@pytest.mark.parametrize("secret", ["x", "ab" * 31, "ab" * 33, "zz" * 32, ""])
def test_a_secret_that_is_none(secret: str) -> None:
    with pytest.raises(DrError, match="DR_WIRE_SECRET") as error:
        WireKeys.from_secret(secret)
    assert "abab" not in error.value.message


class Relay:
    """Passes on what comes to a port, until it is frozen: connections stay open, and nothing gets through."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._server = tcp.create_server(("127.0.0.1", 0))
        self._ends: list[tcp.socket] = []
        self.port = self._server.getsockname()[1]
        self.is_frozen = False
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                here = self._server.accept()[0]
                there = tcp.create_connection(("127.0.0.1", self._target))
                self._ends += [here, there]
                for source, sink in ((here, there), (there, here)):
                    threading.Thread(target=self._pass_on, args=(source, sink), daemon=True).start()

    def _pass_on(self, source: tcp.socket, sink: tcp.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if not self.is_frozen:
                    sink.sendall(data)

    def close(self) -> None:
        for end in (self._server, *self._ends):
            end.close()


@pytest.mark.slow
def test_a_link_that_is_dead_without_a_word_is_noticed_and_nothing_of_it_is_taken(
    free_port: int, keys: WireKeys, until: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As that of a machine that is switched off: TCP alone would wait for a quarter of an hour."""
    monkeypatch.setattr(wire, "HEARTBEAT_S", 0.1)
    monkeypatch.setattr(wire, "HEARTBEAT_TIMEOUT_S", 0.4)
    trainer, relay = TrainerSocket(f"tcp://127.0.0.1:{free_port}", keys), Relay(free_port)
    worker = WorkerSocket(f"tcp://127.0.0.1:{relay.port}", keys, b"first")
    assert not worker.is_connected
    worker.send(Message("hello"))
    assert trainer.receive(DEADLINE_S) is not None
    until(lambda: worker.is_connected)
    relay.is_frozen = True
    worker.send(Message("lost"))
    until(lambda: worker.was_cut)
    worker.renew(b"second")
    assert not worker.was_cut
    worker.send(Message("again"))
    relay.is_frozen = False
    seen = trainer.receive(DEADLINE_S)
    assert seen is not None
    assert (seen[0], seen[1].kind) == (b"second", "again")
    trainer.send(b"second", Message("answer"))
    answer = worker.receive(DEADLINE_S)
    assert answer is not None
    assert answer.kind == "answer"
    worker.close()
    trainer.close()
    relay.close()
