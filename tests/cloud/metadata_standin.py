"""A stand-in of EC2's metadata service: tokens, the keys of a role, an instance's name, an interruption notice."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ROLE = "drcli-machine"
TOKEN_TTL = "X-aws-ec2-metadata-token-ttl-seconds"
TOKEN = "X-aws-ec2-metadata-token"


def in_s(seconds: float) -> str:
    """A time as the service writes it."""
    return (datetime.now(UTC) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


class MetadataStandin:
    """What a machine is told. `take_back` sends the notice; `expire` makes the tokens given so far worthless."""

    def __init__(self, instance_id: str, access_key: str, secret_key: str) -> None:
        self.instance_id = instance_id
        self.address = ""
        self.asked: list[str] = []
        self._keys = {"AccessKeyId": access_key, "SecretAccessKey": secret_key, "Token": "session"}
        self._notice: dict[str, str] | None = None
        self._number = 1

    def take_back(self, action: str = "terminate") -> None:
        self._notice = {"action": action, "time": in_s(120)}

    def expire(self) -> None:
        self._number += 1

    @property
    def token(self) -> str:
        return f"token-{self._number}"

    def answer(self, path: str) -> str | None:
        """The document at a path; None if there is none."""
        self.asked.append(path)
        keys = self._keys | {"Code": "Success", "Type": "AWS-HMAC", "LastUpdated": in_s(-60)}
        return {
            "/latest/meta-data/instance-id": self.instance_id,
            "/latest/meta-data/spot/instance-action": self._notice and json.dumps(self._notice),
            "/latest/meta-data/iam/security-credentials/": ROLE,
            f"/latest/meta-data/iam/security-credentials/{ROLE}": json.dumps(
                keys | {"Expiration": in_s(6 * 3600)}
            ),
        }.get(path)


@contextmanager
def serving(standin: MetadataStandin) -> Iterator[MetadataStandin]:
    """Answer on a free port of 127.0.0.1."""

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            is_ours = self.path == "/latest/api/token" and self.headers[TOKEN_TTL]
            self._send(200 if is_ours else 404, standin.token if is_ours else "")

        def do_GET(self) -> None:
            if self.headers[TOKEN] != standin.token:
                self._send(401, "")
                return
            document = standin.answer(self.path)
            self._send(404 if document is None else 200, document or "")

        def _send(self, code: int, text: str) -> None:
            self.send_response(code)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    standin.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield standin
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
