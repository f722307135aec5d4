"""CURVE keys of a run: only holders of the keys can send or read messages.

On one machine they are in a file of the run folder, created by the trainer. Containers get a secret instead, from
which all derive the same keys.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path

import zmq
from zmq.utils import z85

from drcli.contract.service_variables import WIRE_KEYS_FILE, WIRE_SECRET
from drcli.errors import DrError
from drcli.local import write_private
from drcli.services.shared.environment import Environment

SECRET_BYTES = 32


@dataclass(frozen=True)
class WireKeys:
    """CURVE key pairs of one run (Z85 text): the trainer's, and one that all its workers share."""

    server_public: str
    server_secret: str = field(repr=False)
    client_public: str
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
    def from_secret(cls, secret: str) -> WireKeys:
        """Derive the keys from the run's secret. Raises DrError if it is malformed."""
        try:
            source = bytes.fromhex(secret)
        except ValueError:
            source = b""
        if len(source) != SECRET_BYTES:
            raise DrError(f"{WIRE_SECRET.name} is not {2 * SECRET_BYTES} hex digits.", "Start the run again.")
        pairs = []
        for label in (b"trainer", b"worker"):
            private = z85.encode(sha256(b"drcli wire, " + label + b": " + source).digest())
            pairs += [zmq.curve_public(private).decode(), private.decode()]
        return cls(*pairs)

    @classmethod
    def ensure(cls, path: Path) -> WireKeys:
        """For the trainer: the run's keys, created at its first start."""
        if not path.exists():
            write_private(path, asdict(cls.create()), replace=False)
        return cls.read(path)

    @classmethod
    def await_keys(cls, path: Path, patience_s: float = 60.0) -> WireKeys:
        """For a worker: wait until the trainer has created the run's keys. Raises DrError if it does not."""
        deadline = time.monotonic() + patience_s
        while not path.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        return cls.read(path)

    @classmethod
    def read(cls, path: Path) -> WireKeys:
        """Read them from their file. Raises DrError if it is missing or damaged."""
        try:
            return cls(**json.loads(path.read_text()))
        except (OSError, ValueError, TypeError) as error:
            raise DrError(
                f"The keys of the run in {path} cannot be read: {error}", "Start the run again."
            ) from error


def trainer_keys(environment: Environment) -> WireKeys:
    """The run's keys, for the trainer; created unless there is a secret."""
    secret = environment.wire_secret
    return WireKeys.from_secret(secret) if secret else WireKeys.ensure(_file(environment))


def worker_keys(environment: Environment) -> WireKeys:
    """The run's keys, for a worker. Raises DrError if the trainer does not create them."""
    secret = environment.wire_secret
    return WireKeys.from_secret(secret) if secret else WireKeys.await_keys(_file(environment))


def _file(environment: Environment) -> Path:
    if environment.wire_keys is None:
        raise DrError(
            f"The service was started without {WIRE_SECRET.name} or {WIRE_KEYS_FILE.name}.",
            "Start it with `dr start-training`.",
        )
    return environment.wire_keys
