"""Downloading archives and logs: complete or not at all."""

from __future__ import annotations

import os
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from droa_server import model
from droa_user import DroaUser
from polling import DEADLINE_S
from ports import free_port

from drcli.droa import web
from drcli.errors import DrError
from drcli.store.transfer import quiet

CONTENT = os.urandom(700_000)


@pytest.fixture
def racer(user: DroaUser) -> DroaUser:
    user.server.add(model(1, "fast-1"))
    user.server.offer("fast-1", "VIRTUAL_MODEL", CONTENT)
    user.server.offer("fast-1", "PHYSICAL_CAR_MODEL", b"car")
    user.server.offer("fast-1", "TRAINING_LOGS", b"logs")
    return user


def test_a_model_that_is_packed_first(racer: DroaUser) -> None:
    racer.server.queued = 3
    answer = racer.done("droa", "get", "fast-1")
    assert Path("virtualmodel-fast-1.tar.gz").read_bytes() == CONTENT
    assert "virtualmodel-fast-1.tar.gz  the model, 700.0 kB" in answer.stdout
    assert answer.stderr.count("getasset?assetType=VIRTUAL_MODEL -> 200") == 4


def test_where_it_goes(racer: DroaUser) -> None:
    Path("usb").mkdir()
    racer.done("droa", "get", "--car", "fast-1", "usb")
    assert Path("usb/fast-1.tar.gz").read_bytes() == b"car"
    racer.done("droa", "get", "model0000000001", "new/folder/mine.tar.gz")
    assert Path("new/folder/mine.tar.gz").read_bytes() == CONTENT
    said = racer.refused("droa", "get", "fast-1", "nowhere", code=2)
    assert "neither a folder nor named like an archive" in said


def test_a_name_that_leads_elsewhere(racer: DroaUser) -> None:
    racer.server.add(model(2, "../../up"))
    racer.server.offer("../../up", "TRAINING_LOGS", b"logs")
    racer.done("droa", "logs", "../../up")
    assert Path("------up-training.tar.gz").read_bytes() == b"logs"


def test_an_existing_file(racer: DroaUser) -> None:
    path = Path("fast-1.tar.gz")
    path.write_bytes(b"mine")
    assert racer.dr("droa", "get", "--car", "fast-1", answer="n\n").exit_code == 1
    assert path.read_bytes() == b"mine"
    racer.done("droa", "get", "--car", "fast-1", "-f")
    assert path.read_bytes() == b"car"


def test_logs(racer: DroaUser) -> None:
    racer.done("droa", "logs", "fast-1")
    assert Path("fast-1-training.tar.gz").read_bytes() == b"logs"
    said = racer.refused("droa", "logs", "fast-1", "--evaluation", "last")
    assert "It has not been evaluated there" in said
    racer.server.evaluations["model0000000001"] = [
        {"evaluationId": f"evaluation0000{n}", "createdAt": f"2026-11-0{n}T00:00:00Z"} for n in (1, 3, 2)
    ]
    racer.server.offer("fast-1", "EVALUATION_LOGS", b"lap", "evaluation00003")
    for evaluation in ("last", "evaluation00003"):
        racer.done("droa", "logs", "fast-1", "laps.tar.gz", "--evaluation", evaluation, "-f")
        assert Path("laps.tar.gz").read_bytes() == b"lap"
    said = racer.refused("droa", "logs", "fast-1", "--evaluation", "evaluation00001")
    assert "not available until job is complete" in said
    said = racer.refused("droa", "logs", "fast-1", "--evaluation", "other")
    assert "no such evaluation: other" in said and "evaluation00003, evaluation00002" in said


def test_a_presigned_address_is_not_shown(racer: DroaUser) -> None:
    key = ("model0000000001", "VIRTUAL_MODEL", "")
    racer.server.assets[key] = racer.server.assets[key].replace("VIRTUAL_MODEL.tar.gz", "gone.tar.gz")
    said = racer.refused("droa", "get", "fast-1")
    assert "the server returned" in said and "Signature" not in said and "Credential" not in said
    assert list(Path().glob("*.part")) == list(Path().glob(".*")) == []


def test_a_connection_that_breaks_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "PATIENCE_S", DEADLINE_S)
    monkeypatch.setattr(web, "pause_s", lambda attempts: 0.01)
    lengths = [1000, 1000, 5]

    class Short(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(lengths.pop(0) if lengths else 1000))
            self.end_headers()
            self.wfile.write(b"short")

    server = HTTPServer(("127.0.0.1", free_port()), Short)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    url, path = f"http://127.0.0.1:{server.server_port}/a.tar.gz", tmp_path / "a.tar.gz"
    try:
        assert web.download(url, path, quiet) == 5  # the third time
        monkeypatch.setattr(web, "PATIENCE_S", 0.0)
        with pytest.raises(DrError, match="5 of 1000 bytes"):
            web.download(url, tmp_path / "b.tar.gz", quiet)
    finally:
        server.shutdown()
        server.server_close()
    assert [found.name for found in tmp_path.iterdir()] == ["a.tar.gz"] and path.read_bytes() == b"short"


def test_a_folder_that_cannot_be_written(racer: DroaUser) -> None:
    Path("file").write_text("")
    said = racer.refused("droa", "get", "fast-1", "file/fast-1.tar.gz")
    assert "file" in said and "error:" in said
