"""The wire between trainer and workers: ZeroMQ, a msgpack header and raw array frames, CURVE keys per run.

ROUTER in sagemaker, DEALER in robomaker. Nothing that arrives is executed or unpickled; a message that does
not parse is dropped with a line in the log.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import msgpack
import numpy as np
import zmq
import zmq.auth.thread
from numpy.typing import NDArray

from drcli.errors import DrError
from drcli.local import write_private

ARRAY_TYPES = frozenset({"uint8", "bool", "int16", "int64", "float32", "float64"})
MAX_FRAME_BYTES = 2**31


@dataclass(frozen=True)
class Message:
    """kind: what it is about; header: plain values (see `drcli.services.protocol`); arrays by name."""

    kind: str
    header: Mapping[str, Any] = field(default_factory=dict)
    arrays: Mapping[str, NDArray[Any]] = field(default_factory=dict)


class WireError(ValueError):
    """Frames that are no message of ours."""


def encode(message: Message) -> list[bytes | memoryview]:
    """Frames of a message: the header, then one frame per array (no copy)."""
    arrays = {name: np.ascontiguousarray(array) for name, array in message.arrays.items()}
    shapes = [(name, array.dtype.name, array.shape) for name, array in arrays.items()]
    head = msgpack.packb([message.kind, dict(message.header), shapes])
    return [head, *(memoryview(array.reshape(-1).view(np.uint8).data) for array in arrays.values())]


def decode(frames: list[bytes]) -> Message:
    """The message of some frames; arrays are read-only views of the frames. WireError if they do not fit."""
    try:
        kind, header, shapes = msgpack.unpackb(frames[0], strict_map_key=False)
        arrays = {}
        for (name, dtype, shape), frame in zip(shapes, frames[1:], strict=True):
            if dtype not in ARRAY_TYPES:
                raise WireError(f"array {name!r} has type {dtype!r}")
            arrays[name] = np.frombuffer(frame, dtype).reshape(tuple(shape))
        if not (isinstance(kind, str) and isinstance(header, dict)):
            raise WireError("the header is malformed")
    except (ValueError, TypeError, IndexError, OverflowError, msgpack.UnpackException) as error:
        raise WireError(str(error)) from error
    return Message(kind, header, arrays)


@dataclass(frozen=True)
class WireKeys:
    """CURVE key pairs of one run (Z85 text): the trainer's, and one that all its workers share."""

    server_public: str
    server_secret: str = field(repr=False)
    client_public: str = field(repr=True)
    client_secret: str = field(repr=False)

    @classmethod
    def create(cls) -> WireKeys:
        """New random keys."""
        (server_public, server_secret), (client_public, client_secret) = (
            (public.decode(), secret.decode())
            for public, secret in (zmq.curve_keypair(), zmq.curve_keypair())
        )
        return cls(server_public, server_secret, client_public, client_secret)

    @classmethod
    def ensure(cls, path: Path) -> WireKeys:
        """For the trainer: the run's keys, made at its first start."""
        if not path.exists():
            write_private(path, asdict(cls.create()), replace=False)
        return cls.read(path)

    @classmethod
    def await_keys(cls, path: Path, patience_s: float = 60.0) -> WireKeys:
        """For a worker: the run's keys, once the trainer has made them. DrError when it does not."""
        deadline = time.monotonic() + patience_s
        while not path.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        return cls.read(path)

    @classmethod
    def read(cls, path: Path) -> WireKeys:
        """From their file. DrError when it is missing or damaged."""
        try:
            return cls(**json.loads(path.read_text()))
        except (OSError, ValueError, TypeError) as error:
            raise DrError(
                f"The keys of the run in {path} cannot be read: {error}", "Start the run again."
            ) from error


class _OnlyOurWorkers:
    """Lets in those who hold the run's client key (ZAP credentials provider)."""

    def __init__(self, client_public: str) -> None:
        self._client_public = client_public.encode()

    def callback(self, domain: str, key: bytes) -> bool:
        return key == self._client_public


class TrainerSocket:
    """The trainer's end: talks to any number of workers, each known by an identity."""

    def __init__(self, endpoint: str, keys: WireKeys) -> None:
        self._context = zmq.Context()
        self._auth = zmq.auth.thread.ThreadAuthenticator(self._context)
        self._auth.start()
        self._auth.configure_curve_callback(credentials_provider=_OnlyOurWorkers(keys.client_public))
        self._socket = self._context.socket(zmq.ROUTER)
        self._socket.curve_server = True
        self._socket.curve_publickey = keys.server_public.encode()
        self._socket.curve_secretkey = keys.server_secret.encode()
        _configure(self._socket)
        try:
            self._socket.bind(endpoint)
        except zmq.ZMQError as error:
            self.close()
            raise DrError(
                f"The trainer cannot listen on {endpoint}: {error}", "Is the port taken?"
            ) from error

    def receive(self, timeout_s: float) -> tuple[bytes, Message] | None:
        """The next message and who sent it; None after `timeout_s`."""
        if not self._socket.poll(int(timeout_s * 1000)):
            return None
        identity, *frames = self._socket.recv_multipart()
        try:
            return identity, decode(frames)
        except WireError:
            return identity, Message("malformed")

    def send(self, identity: bytes, message: Message) -> None:
        """To one worker; silently dropped if it is gone (its heartbeat will be missed)."""
        self._socket.send_multipart([identity, *encode(message)], copy=False)

    def close(self) -> None:
        """Deliver what is under way (up to a second), then close."""
        if hasattr(self, "_socket"):
            self._socket.close(linger=1000)
        self._auth.stop()
        self._context.term()


class WorkerSocket:
    """A worker's end. ZeroMQ reconnects by itself when the trainer comes back."""

    def __init__(self, endpoint: str, keys: WireKeys, identity: bytes) -> None:
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.DEALER)
        self._socket.identity = identity
        self._socket.curve_serverkey = keys.server_public.encode()
        self._socket.curve_publickey = keys.client_public.encode()
        self._socket.curve_secretkey = keys.client_secret.encode()
        _configure(self._socket)
        self._socket.connect(endpoint)

    def receive(self, timeout_s: float) -> Message | None:
        """The next message of the trainer; None after `timeout_s`."""
        if not self._socket.poll(int(timeout_s * 1000)):
            return None
        try:
            return decode(self._socket.recv_multipart())
        except WireError:
            return Message("malformed")

    def send(self, message: Message) -> None:
        """To the trainer; waits in memory while it is away."""
        self._socket.send_multipart(encode(message), copy=False)

    def close(self) -> None:
        """Deliver what is under way (up to two seconds), then close."""
        self._socket.close(linger=2000)
        self._context.term()


def _configure(socket: zmq.Socket[bytes]) -> None:
    socket.linger = 1000
    socket.maxmsgsize = MAX_FRAME_BYTES
    socket.reconnect_ivl = 100
    socket.reconnect_ivl_max = 2000
    socket.rcvhwm = socket.sndhwm = 1000
