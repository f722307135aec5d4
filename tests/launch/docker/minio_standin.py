"""A stand-in for the MinIO server: S3 by rclone, behind it; in front of it MinIO's keys, policies and administration.

`python minio_standin.py DATA ADDRESS`, in a container or beside a test. It checks signatures and policies, and answers
the administration calls that we make with the package's own `minio.crypto`, encrypted as MinIO's are. Needs the package
minio and rclone; nothing of drcli.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatch
from functools import cached_property
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from minio.credentials import Credentials
from minio.crypto import decrypt, encrypt
from minio.signer import sign_v4_s3

ADMIN = "/minio/admin/v3/"
_ACTIONS = {"GET": "s3:GetObject", "HEAD": "s3:GetObject", "PUT": "s3:PutObject", "DELETE": "s3:DeleteObject"}


class Refused(Exception):
    """HTTP status and MinIO's code."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status, self.code = status, code


@dataclass(frozen=True)
class Caller:
    access_key: str
    secret_key: str
    policy: dict[str, Any] | None = None  # None: the root

    def check(self, action: str, resource: str) -> None:
        """Refused unless the policy allows it."""
        if self.policy is None:
            return
        for statement in self.policy["Statement"]:
            is_allowed = statement["Effect"] == "Allow" and action in statement["Action"]
            if is_allowed and any(
                fnmatch(f"arn:aws:s3:::{resource}", known) for known in statement["Resource"]
            ):
                return
        raise Refused(403, "AccessDenied")


class Server(ThreadingHTTPServer):
    """The front. `grants_accounts`: False stands for a server that does not let us administer it."""

    daemon_threads = True

    def __init__(self, data: Path, address: tuple[str, int], root: Caller, *, grants_accounts: bool) -> None:
        super().__init__(address, Handler)
        self.data, self.root, self.grants_accounts = data, root, grants_accounts
        (data / ".minio.sys").mkdir(parents=True, exist_ok=True)
        self.port_behind = _free_port()
        words = [shutil.which("rclone") or os.environ["RCLONE"], "serve", "s3"]
        self.behind = subprocess.Popen(
            [*words, f"--addr=127.0.0.1:{self.port_behind}", "--etag-hash=", str(data)],
            env={name: value for name, value in os.environ.items() if not name.startswith("RCLONE_")},
        )
        _wait_for(self.port_behind)

    @property
    def accounts(self) -> dict[str, Any]:
        """Service accounts by their access keys; they outlive the server."""
        path = self.data / ".minio.sys" / "accounts.json"
        return json.loads(path.read_text()) if path.exists() else {}

    @accounts.setter
    def accounts(self, accounts: dict[str, Any]) -> None:
        (self.data / ".minio.sys" / "accounts.json").write_text(json.dumps(accounts))

    def caller(self, access_key: str) -> Caller:
        if access_key == self.root.access_key:
            return self.root
        account = self.accounts.get(access_key)
        if account is None:
            raise Refused(403, "InvalidAccessKeyId")
        return Caller(access_key, account["secretKey"], account["policy"])

    def server_close(self) -> None:
        self.behind.terminate()
        self.behind.wait()
        super().server_close()


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            self._answer()
        except Refused as refused:
            self._refuse(refused)

    do_PUT = do_POST = do_DELETE = do_HEAD = do_GET

    @cached_property
    def url(self) -> SplitResult:
        return urlsplit(self.path)

    def _answer(self) -> None:
        self.__dict__.pop("url", None)  # one handler serves several requests
        if self.url.path == "/minio/health/live":
            self._send(200, b"")
            return
        caller = self._caller()
        if self.url.path.startswith(ADMIN):
            self._administer(caller, self.url.path.removeprefix(ADMIN))
            return
        self._check(caller)
        self._pass_on()

    def _caller(self) -> Caller:
        """Who has signed the request. Refused where the signature is wrong."""
        words = self.headers.get("Authorization", "").replace(",", " ").split()
        facts = dict(word.split("=", 1) for word in words[1:])
        if "Credential" not in facts:
            raise Refused(403, "AccessDenied")
        access_key, _, region, *_ = facts["Credential"].split("/")
        caller = self.server.caller(access_key)
        signed = {name: self.headers[name] for name in facts["SignedHeaders"].split(";")}
        date = datetime.strptime(self.headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        expected = sign_v4_s3(
            method=self.command,
            url=self.url._replace(query=_signed(self.url.query)),
            region=region,
            headers=signed,
            credentials=Credentials(caller.access_key, caller.secret_key),
            content_sha256=self.headers["x-amz-content-sha256"],
            date=date,
        )
        if not expected["Authorization"].endswith(f"Signature={facts['Signature']}"):
            raise Refused(403, "SignatureDoesNotMatch")
        return caller

    def _check(self, caller: Caller) -> None:
        bucket, _, key = unquote(self.url.path).lstrip("/").partition("/")
        if not bucket:
            caller.check("s3:ListAllMyBuckets", "*")
        elif key:
            caller.check(_ACTIONS[self.command], f"{bucket}/{key}")
        elif self.command == "POST":  # DeleteObjects
            caller.check("s3:DeleteObject", f"{bucket}/*")
        else:
            caller.check("s3:CreateBucket" if self.command == "PUT" else "s3:ListBucket", bucket)
        if source := self.headers.get("x-amz-copy-source"):
            caller.check("s3:GetObject", unquote(source).lstrip("/"))

    def _pass_on(self) -> None:
        behind = HTTPConnection("127.0.0.1", self.server.port_behind)
        headers = {name: value for name, value in self.headers.items() if name.lower() != "authorization"}
        behind.request(self.command, self.path, self.body or None, headers)
        answer = behind.getresponse()
        self._send(answer.status, answer.read(), dict(answer.getheaders()))
        behind.close()

    def _administer(self, caller: Caller, command: str) -> None:
        if caller.policy is not None or not self.server.grants_accounts:
            raise Refused(403, "AccessDenied")
        query = {name: values[0] for name, values in parse_qs(self.url.query).items()}
        if command == "info":
            self._send(200, json.dumps(self._info()).encode())
        elif command == "list-service-accounts":
            accounts = [{"accessKey": name} for name in self.server.accounts]
            self._send(200, encrypt(json.dumps({"accounts": accounts}).encode(), caller.secret_key))
        elif command == "add-service-account":
            self._add(json.loads(decrypt(_Answer(self.body), caller.secret_key)), caller)
        elif command == "delete-service-account":
            accounts = self.server.accounts
            if accounts.pop(query["accessKey"], None) is None:
                raise Refused(404, "XMinioInvalidIAMCredentials")
            self.server.accounts = accounts
            self._send(204, b"")
        else:
            raise Refused(404, "NotImplemented")

    def _add(self, wanted: dict[str, Any], caller: Caller) -> None:
        name, secret = wanted["accessKey"], wanted["secretKey"]
        if not (3 <= len(name) <= 20 and 8 <= len(secret) <= 40):
            raise Refused(400, "InvalidArgument")
        if name in self.server.accounts:
            raise Refused(409, "XMinioIAMServiceAccountNotAllowed")
        self.server.accounts = self.server.accounts | {
            name: {"secretKey": secret, "policy": wanted["policy"]}
        }
        made = {
            "accessKey": name,
            "secretKey": secret,
            "sessionToken": "",
            "expiration": "1970-01-01T00:00:00Z",
        }
        self._send(200, encrypt(json.dumps({"credentials": made}).encode(), caller.secret_key))

    def _info(self) -> dict[str, Any]:
        space = shutil.disk_usage(self.server.data)
        drive = {"path": "/data", "state": "ok", "totalspace": space.total, "availspace": space.free}
        servers = [{"state": "online", "endpoint": "minio:9000", "drives": [drive]}]
        return {"mode": "online", "deploymentID": "standin", "servers": servers}

    def _refuse(self, refused: Refused) -> None:
        if self.url.path.startswith(ADMIN):
            body = json.dumps(
                {"Code": refused.code, "Message": "refused", "Resource": self.url.path}
            ).encode()
        else:
            body = f"<Error><Code>{refused.code}</Code><Message>refused</Message></Error>".encode()
        self._send(refused.status, body)

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        known = {name.lower(): value for name, value in (headers or {}).items()}
        length = known.pop("content-length", str(len(body)))
        for name, value in known.items():
            if name not in ("transfer-encoding", "connection", "date", "server"):
                self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", length if self.command == "HEAD" else str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        sys.stderr.write(f"{self.command} {urlsplit(self.path).path} {args[1] if len(args) > 1 else ''}\n")


def _signed(query: str) -> str:
    """As it was signed: `?delete` as `delete=`."""
    return "&".join(part if "=" in part else f"{part}=" for part in query.split("&")) if query else ""


class _Answer(BytesIO):
    """What `minio.crypto.decrypt` reads from."""

    def release_conn(self) -> None:
        self.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int) -> None:
    for _ in range(500):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            time.sleep(0.02)
    raise SystemExit("rclone did not start")


def main() -> None:
    data, (host, _, port) = Path(sys.argv[1]), sys.argv[2].rpartition(":")
    root = Caller(os.environ["MINIO_ROOT_USER"], os.environ["MINIO_ROOT_PASSWORD"])
    grants = os.environ.get("STANDIN_ADMIN", "on") == "on"
    signal.signal(
        signal.SIGTERM, lambda *_: sys.exit(0)
    )  # the first process of a container would not hear it
    with Server(data, (host, int(port)), root, grants_accounts=grants) as server:
        server.serve_forever()


if __name__ == "__main__":
    main()
