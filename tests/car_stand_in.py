"""Stands in for a car: a real HTTPS server with the routes, checks and answers of the car's web server.

As on a car nginx asks for the login of every route but a few, Flask-WTF checks the CSRF token of every request that
changes something against the session cookie, and a program of its own installs what was uploaded, by the rules that
drcli/models/carfile.py describes. What a test wants to go wrong is set on `CarStandIn`.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import secrets
import shutil
import ssl
import tarfile
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.parser import BytesParser
from functools import cache
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from ports import free_port

PASSWORD = "top-s3cret & +?"
_OPEN = ("/login", "/", "/home")  # nginx asks for no login there
_SENSORS = {"FRONT_FACING_CAMERA": "Front-facing camera", "observation": "Camera", "LIDAR": "LiDAR"}
_ALGORITHMS = {"clipped_ppo": "Clipped PPO", "sac": "Soft actor critic"}


@dataclass(frozen=True)
class Certificate:
    """A self-signed certificate and its key, in one PEM file."""

    pem: bytes
    fingerprint: str


@cache
def certificate(number: int) -> Certificate:
    """The certificate that a car makes for itself; another one for another number."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "deepracer.io")])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), number + 1)
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=3650))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return Certificate(
        private + made.public_bytes(serialization.Encoding.PEM),
        made.fingerprint(hashes.SHA256()).hex(":").upper(),
    )


@dataclass
class CarStandIn:
    """The car: what it holds, what has reached it, and what is to go wrong with it."""

    folder: Path
    port: int = field(default_factory=free_port)
    received: list[tuple[str, bytes]] = field(default_factory=list)  # "METHOD /path", body
    failing: dict[str, tuple[int, str]] = field(default_factory=dict)  # path → status, page; 0: hang up
    hangs_up: bool = False  # after each answer
    keeps_one_login: bool = False  # the original software; the community's keeps all
    install_takes: int = (
        0  # questions after the upload's answer; it says that the upload failed, as after ten seconds
    )
    cameras: bool = True
    answers: threading.Event = field(default_factory=threading.Event)
    _logins: list[str] = field(default_factory=list)
    _sessions: dict[str, str] = field(default_factory=dict)  # cookie → CSRF token
    _waiting: Path | None = None

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def artifacts(self) -> Path:
        return self.folder / "artifacts"

    def start(self) -> None:
        self.artifacts.mkdir(parents=True)
        self.answers.set()
        self.show(0)
        stand_in = self

        class Handler(_Handler):
            car = stand_in

        self._server = _Server(("127.0.0.1", self.port), Handler)
        self._server.context = lambda: self._context
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def show(self, number: int) -> str:
        """Use another certificate from the next connection on; its fingerprint."""
        path = self.folder / "server.pem"
        path.write_bytes(certificate(number).pem)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(path)
        return certificate(number).fingerprint

    def add(self, name: str, metadata: dict[str, object] | None = None, graph: bytes = b"graph") -> None:
        """Put a model there, or with no metadata only its folder."""
        (self.artifacts / name).mkdir()
        if metadata is not None:
            (self.artifacts / name / "model.pb").write_bytes(graph)
            (self.artifacts / name / "model_metadata.json").write_text(json.dumps(metadata))

    def new_session(self) -> tuple[str, str]:
        """A session cookie and the CSRF token that goes with it."""
        cookie, token = secrets.token_urlsafe(12), secrets.token_urlsafe(12)
        self._sessions[cookie] = token
        return cookie, token

    def csrf_token(self, cookie: str) -> str | None:
        return self._sessions.get(cookie)

    def log_in(self) -> str:
        token = secrets.token_hex(16)
        self._logins = [token] if self.keeps_one_login else [*self._logins, token]
        return token

    def is_logged_in(self, token: str) -> bool:
        return token in self._logins

    def upload(self, file: str, content: bytes) -> dict[str, object]:
        if not file.endswith(".tar.gz"):
            return {"success": False, "message": "Failed to upload the model. Not a .tar.gz file"}
        folder = self.artifacts / file[:-7]
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        self._waiting = folder / file.replace(" ", "_")
        self._waiting.write_bytes(content)
        if self.install_takes:
            return {"success": False, "message": "Failed to upload & optimize the model"}
        self._install()
        return {"success": True, "message": "Model uploaded successfully to your vehicle"}

    def _install(self) -> None:
        """Unpack and put in place; archives that cannot be used are left as they are, and nobody is told."""
        assert self._waiting is not None
        name = self._waiting.name.partition(".")[0].replace(" ", "_")
        unpacked = self.folder / f"aws-temp-model-{name}"
        unpacked.mkdir()
        try:
            tar = unpacked / self._waiting.name.removesuffix(".gz")
            tar.write_bytes(gzip.decompress(self._waiting.read_bytes()))
            with tarfile.TarFile(tar, "r") as archive:
                archive.extractall(unpacked, filter="data")
        except (OSError, EOFError, tarfile.TarError):
            return
        graphs = [path for path in unpacked.rglob("*") if path.is_file() and path.suffix in ("", ".pb")]
        if len(graphs) == 1:
            place = self.artifacts / name
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir()
            shutil.copy(graphs[0], place / f"model{graphs[0].suffix}")
            with suppress(FileNotFoundError):
                shutil.copy(unpacked / "model_metadata.json", place)
            (place / "checksum.txt").write_text(hashlib.md5(graphs[0].read_bytes()).hexdigest())
        shutil.rmtree(unpacked)

    def is_installed(self, name: str) -> dict[str, object]:
        if self.install_takes:
            self.install_takes -= 1
            if not self.install_takes:
                self._install()
        is_there = name in os.listdir(self.artifacts)
        return {"success": is_there, "message": f"Model is {'' if is_there else 'not '}installed"}

    def models(self) -> dict[str, object]:
        found = []
        for path in self.artifacts.rglob("*.pb"):
            with suppress(OSError):
                about = json.loads((path.parent / "model_metadata.json").read_text())
                found.append(
                    {
                        "model_name": path.stem,
                        "model_folder_name": path.parent.name,
                        "model_sensors": [
                            _SENSORS[sensor] for sensor in about.get("sensor", ["observation"])
                        ],
                        "is_select_disabled": not self.cameras,
                    }
                )
        return {"models": found, "sensor_status": {"camera_status": "connected"}}

    def folders(self) -> list[dict[str, object]]:
        found = []
        for path in self.artifacts.iterdir():
            with suppress(OSError):
                about = json.loads((path / "model_metadata.json").read_text())
                found.append(
                    {
                        "name": path.name,
                        "size": "23M",
                        "creation_time": path.stat().st_mtime,
                        "status": "Ready",
                        "training_algorithm": _ALGORITHMS[about.get("training_algorithm", "clipped_ppo")],
                        "action_space_type": about.get("action_space_type", "discrete").capitalize(),
                        "sensors": ", ".join(_SENSORS[one] for one in about.get("sensor", ["observation"])),
                    }
                )
                continue
            lacking = dict.fromkeys(("training_algorithm", "action_space_type", "sensors"), "--")
            found.append({"name": path.name, "size": "4.0K", "creation_time": path.stat().st_mtime} | lacking)
        return found

    def delete(self, names: list[str]) -> dict[str, object]:
        for name in names:
            shutil.rmtree(self.artifacts / name)
        return {"success": True, "message": "Models deleted successfully from your vehicle"}


class _Server(ThreadingHTTPServer):
    context: object
    block_on_close = False  # a client may keep its connection

    def finish_request(self, request, client_address) -> None:  # type: ignore[no-untyped-def]
        with self.context().wrap_socket(request, server_side=True) as secure:  # type: ignore[operator]
            self.RequestHandlerClass(secure, client_address, self)

    def handle_error(self, request, client_address) -> None:  # type: ignore[no-untyped-def]
        """A client that does not like the certificate hangs up."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    car: CarStandIn

    def do_GET(self) -> None:
        self._body, self._form = b"", {}
        self._serve()

    def do_POST(self) -> None:
        self._body = self.rfile.read(int(self.headers["Content-Length"]))
        is_form = self.headers["Content-Type"] == "application/x-www-form-urlencoded"
        self._form = parse_qs(self._body.decode()) if is_form else {}
        self._serve()

    do_PUT = do_POST

    def log_message(self, *_: object) -> None:
        pass

    def _serve(self) -> None:
        url = urlsplit(self.path)
        self.car.received.append((f"{self.command} {url.path}", self._body))
        self.car.answers.wait()
        self._cookies = {name: one.value for name, one in SimpleCookie(self.headers["Cookie"]).items()}
        if url.path in self.car.failing:
            status, page = self.car.failing[url.path]
            self._answer(status, page)
        elif url.path not in _OPEN and not self.car.is_logged_in(self._cookies.get("deepracer_token", "")):
            self._answer(401, "<html><head><title>401 Authorization Required</title></head></html>")
        elif self.command != "GET" and not self._has_csrf_token():
            self._answer(
                400, "<title>400 Bad Request</title><h1>Bad Request</h1><p>The CSRF tokens do not match.</p>"
            )
        elif url.path == "/login":
            self._login()
        else:
            self._api(url.path, parse_qs(url.query))

    def _has_csrf_token(self) -> bool:
        expected = self.car.csrf_token(self._cookies.get("session", ""))
        sent = self._form.get("csrf_token", [None])[0]
        return expected is not None and expected == (
            sent or self.headers["X-CSRFToken"] or self.headers["X-CSRF-Token"]
        )

    def _login(self) -> None:
        if self.command == "GET":
            cookie, token = self.car.new_session()
            page = f'<html><head><meta name="csrf-token" content="{token}"></head><body>Unlock</body></html>'
            self._answer(200, page, f"session={cookie}; Secure; HttpOnly; Path=/")
        elif self._form["password"] == [PASSWORD]:
            cookie = f"deepracer_token={self.car.log_in()}; Max-Age=3600; Secure; Path=/"
            self._answer(200, {"redirect": "/home"}, cookie)
        else:
            self._answer(200, "failure")

    def _api(self, path: str, query: dict[str, list[str]]) -> None:
        match self.command, path:
            case "GET", "/api/models":
                self._answer(200, self.car.models())
            case "GET", "/api/uploaded_model_list":
                self._answer(200, self.car.folders())
            case "GET", "/api/is_model_installed":
                self._answer(200, self.car.is_installed(query["filename"][0]))
            case "POST" | "PUT", "/api/uploadModels":
                self._answer(200, self.car.upload(*self._file()))
            case "POST" | "PUT", "/api/deleteModels":
                self._answer(200, self.car.delete(json.loads(self._body)["filenames"]))
            case _:
                self._answer(404, "<h1>Not Found</h1>")

    def _file(self) -> tuple[str, bytes]:
        head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
        (part,) = BytesParser().parsebytes(head + self._body).get_payload()
        assert part.get_param("name", header="content-disposition") == "file"
        return part.get_filename(), part.get_payload(decode=True)

    def _answer(self, status: int, content: object, cookie: str = "") -> None:
        if status == 0:
            self.close_connection = True
            return
        body = content.encode() if isinstance(content, str) else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html" if isinstance(content, str) else "application/json")
        self.send_header("Content-Length", str(len(body)))
        if self.car.hangs_up:
            self.send_header("Connection", "close")
        if cookie:
            self.send_header("Set-Cookie", cookie)
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def car(tmp_path: Path) -> Iterator[CarStandIn]:
    """A car on 127.0.0.1."""
    stand_in = CarStandIn(tmp_path / "car")
    stand_in.start()
    yield stand_in
    stand_in.answers.set()
    stand_in.stop()
