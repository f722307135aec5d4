"""The wire between trainer and workers: ZeroMQ, a msgpack header and raw array frames, encrypted by CURVE keys.

ROUTER in sagemaker, DEALER in robomaker. Nothing that arrives is executed or unpickled; malformed
messages are dropped and logged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgpack
import numpy as np
import zmq
import zmq.auth.thread
from numpy.typing import NDArray
from zmq.utils.monitor import recv_monitor_message

from drcli.errors import DrError
from drcli.services.shared.wire_keys import WireKeys

ARRAY_TYPES = frozenset({"uint8", "bool", "int16", "int64", "float32", "float64"})
MAX_FRAME_BYTES = 2**31
# Both ends notice within this time that the other has vanished: a machine that is off, a broken link.
HEARTBEAT_S = 2.0
HEARTBEAT_TIMEOUT_S = 8.0


@dataclass(frozen=True)
class Message:
    """kind: what it is about; header: plain values (see `drcli.services.shared.protocol`); arrays by name."""

    kind: str
    header: Mapping[str, Any] = field(default_factory=dict)
    arrays: Mapping[str, NDArray[Any]] = field(default_factory=dict)


class WireError(ValueError):
    """Frames that are not a valid message."""


def encode(message: Message) -> list[bytes | memoryview]:
    """Frames of a message: the header, then one frame per array (no copy of one that is contiguous)."""
    arrays = {name: np.ascontiguousarray(array) for name, array in message.arrays.items()}
    shapes = [(name, array.dtype.name, array.shape) for name, array in arrays.items()]
    head = msgpack.packb([message.kind, dict(message.header), shapes])
    return [head, *(memoryview(array.reshape(-1).view(np.uint8).data) for array in arrays.values())]


def decode(frames: Sequence[bytes | memoryview]) -> Message:
    """The message of some frames; arrays are read-only views of the frames. WireError if they do not fit."""
    try:
        kind, header, shapes = msgpack.unpackb(frames[0], strict_map_key=False)
        arrays = {}
        for (name, dtype, shape), frame in zip(shapes, frames[1:], strict=True):
            if dtype not in ARRAY_TYPES:
                raise WireError(f"array {name!r} has type {dtype!r}")
            arrays[name] = _array(frame, dtype).reshape(tuple(shape))
        if not (isinstance(kind, str) and isinstance(header, dict)):
            raise WireError("the header is malformed")
    except (ValueError, TypeError, IndexError, OverflowError, msgpack.UnpackException) as error:
        raise WireError(str(error)) from error
    return Message(kind, header, arrays)


def _array(frame: bytes | memoryview, dtype: str) -> NDArray[Any]:
    """A frame as numbers, without a copy unless it begins at an odd address."""
    array = np.frombuffer(frame, dtype)
    array = array if array.flags.aligned else array.copy()
    array.flags.writeable = False
    return array


class _OnlyOurWorkers:
    """Admits holders of the run's client key (ZAP credentials provider)."""

    def __init__(self, client_public: str) -> None:
        self._client_public = client_public.encode()

    def callback(self, domain: str, key: bytes) -> bool:
        return key == self._client_public


class TrainerSocket:
    """The trainer's end: any number of workers, each with an identity."""

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
        """Return the next message and its sender; None after `timeout_s`."""
        if not self._socket.poll(int(timeout_s * 1000)):
            return None
        identity, *frames = self._socket.recv_multipart(copy=False)
        try:
            return identity.bytes, decode([frame.buffer for frame in frames])
        except WireError:
            return identity.bytes, Message("malformed")

    def send(self, identity: bytes, message: Message) -> None:
        """Send to one worker; silently dropped if it is gone (its heartbeat will be missed).

        Here and in the worker's `send` large arrays are not copied: they must not be modified afterwards.
        """
        self._socket.send_multipart([identity, *encode(message)], copy=False)

    def close(self) -> None:
        """Deliver pending messages (for up to a second), then close."""
        if hasattr(self, "_socket"):
            self._socket.close(linger=1000)
        self._auth.stop()
        self._context.term()


class WorkerSocket:
    """A worker's end. ZeroMQ reconnects by itself when the trainer comes back, and looks its name up each time."""

    def __init__(self, endpoint: str, keys: WireKeys, identity: bytes) -> None:
        self._endpoint = endpoint
        self._keys = keys
        self._context = zmq.Context()
        self._open(identity)

    def _open(self, identity: bytes) -> None:
        self._is_connected = self._was_cut = False
        self._socket = self._context.socket(zmq.DEALER)
        self._socket.identity = identity
        self._socket.curve_serverkey = self._keys.server_public.encode()
        self._socket.curve_publickey = self._keys.client_public.encode()
        self._socket.curve_secretkey = self._keys.client_secret.encode()
        _configure(self._socket)
        self._monitor = self._socket.get_monitor_socket(
            zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_DISCONNECTED
        )
        self._socket.connect(self._endpoint)

    @property
    def is_connected(self) -> bool:
        """Whether the trainer is connected now."""
        self._take_note()
        return self._is_connected

    @property
    def was_cut(self) -> bool:
        """Whether a connection broke: messages in flight, in either direction, may be lost."""
        self._take_note()
        return self._was_cut

    def renew(self, identity: bytes) -> None:
        """Reconnect under a new identity, so that messages of the broken connection are ignored."""
        self._close(linger_ms=0)
        self._open(identity)

    def _take_note(self) -> None:
        while self._monitor.poll(0):
            if recv_monitor_message(self._monitor)["event"] == zmq.EVENT_HANDSHAKE_SUCCEEDED:
                self._is_connected = True
            elif self._is_connected:
                self._is_connected, self._was_cut = False, True

    def _close(self, linger_ms: int) -> None:
        self._socket.disable_monitor()
        self._monitor.close(linger=0)
        self._socket.close(linger=linger_ms)

    def receive(self, timeout_s: float) -> Message | None:
        """Return the trainer's next message; None after `timeout_s`."""
        if not self._socket.poll(int(timeout_s * 1000)):
            return None
        try:
            return decode([frame.buffer for frame in self._socket.recv_multipart(copy=False)])
        except WireError:
            return Message("malformed")

    def send(self, message: Message) -> None:
        """Send to the trainer; queued in memory while it is unreachable."""
        self._socket.send_multipart(encode(message), copy=False)

    def close(self) -> None:
        """Deliver pending messages (for up to two seconds), then close."""
        self._close(linger_ms=2000)
        self._context.term()


def _configure(socket: zmq.Socket[bytes]) -> None:
    socket.linger = 1000
    socket.maxmsgsize = MAX_FRAME_BYTES
    socket.reconnect_ivl = 100
    socket.reconnect_ivl_max = 2000
    socket.rcvhwm = socket.sndhwm = 1000
    socket.heartbeat_ivl = int(HEARTBEAT_S * 1000)
    socket.heartbeat_timeout = int(HEARTBEAT_TIMEOUT_S * 1000)
