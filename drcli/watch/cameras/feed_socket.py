"""The feed from a worker to its camera server: ZeroMQ on the loopback interface, encrypted, newest states only.

Only who knows the worker's public key can listen, and the worker tells it to nobody but its camera server.
"""

from __future__ import annotations

from contextlib import suppress

import zmq

_QUEUE = 2  # states; older ones are dropped, so that nobody who is slow holds anybody up


class FeedSender:
    """The worker's end: knows whether anybody listens, and never waits. For one thread."""

    def __init__(self) -> None:
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.XPUB)
        public, secret = zmq.curve_keypair()
        self._socket.curve_server = True
        self._socket.curve_publickey, self._socket.curve_secretkey = public, secret
        self._socket.sndhwm, self._socket.linger = _QUEUE, 0
        port = self._socket.bind_to_random_port("tcp://127.0.0.1")
        self.endpoint, self.public_key = f"tcp://127.0.0.1:{port}", public.decode()
        self._listeners = 0

    @property
    def is_wanted(self) -> bool:
        """Whether anybody listens now."""
        with suppress(zmq.Again):
            while True:
                said = self._socket.recv(zmq.NOBLOCK)
                self._listeners += 1 if said[:1] == b"\x01" else -1
        return self._listeners > 0

    def send(self, message: bytes) -> None:
        """Send to those who listen; dropped for those who are slow."""
        with suppress(zmq.Again):
            self._socket.send(message, zmq.NOBLOCK)

    def close(self) -> None:
        """Close it at once."""
        self._socket.close()
        self._context.term()


class FeedReceiver:
    """The camera server's end. For one thread."""

    def __init__(self, endpoint: str, public_key: str) -> None:
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.SUB)
        self._socket.curve_publickey, self._socket.curve_secretkey = zmq.curve_keypair()
        self._socket.curve_serverkey = public_key.encode()
        self._socket.rcvhwm, self._socket.linger = _QUEUE, 0
        self._socket.connect(endpoint)
        self._is_listening = False

    def listen(self, is_wanted: bool) -> None:
        """Ask for states, or for no more of them."""
        if is_wanted != self._is_listening:
            self._socket.setsockopt(zmq.SUBSCRIBE if is_wanted else zmq.UNSUBSCRIBE, b"")
            self._is_listening = is_wanted

    def newest(self, timeout_s: float) -> bytes | None:
        """The newest message, waited for; None if there is none."""
        if not self._socket.poll(int(timeout_s * 1000)):
            return None
        message = b""
        with suppress(zmq.Again):
            while True:
                message = self._socket.recv(zmq.NOBLOCK)
        return message

    def close(self) -> None:
        """Close it at once."""
        self._socket.close()
        self._context.term()
