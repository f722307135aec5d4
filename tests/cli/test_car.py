from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from car_stand_in import PASSWORD, CarStandIn, certificate
from click.testing import CliRunner, Result
from model_samples import METADATA, graph, make_model
from upload_targets import UploadTargets

from drcli import paths
from drcli.car import web_server
from drcli.cli import main
from drcli.models import carfile

Dr = Callable[..., Result]
FIRST, SECOND = certificate(0).fingerprint, certificate(1).fingerprint
DOCUMENT = json.dumps(METADATA).encode()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_server, "_PAUSE_S", 0.0)
    monkeypatch.setattr(web_server, "PATIENCE_S", 0.0)


@pytest.fixture
def dr(monkeypatch: pytest.MonkeyPatch) -> Dr:
    """Run a command with the password in the environment; it must not be in what is printed."""

    def run(*words: str, answer: str | None = None, password: str = PASSWORD) -> Result:
        monkeypatch.setenv("DR_CAR_PASSWORD", password)
        result = CliRunner().invoke(main, ["car", *words], input=answer)
        assert not password or password not in result.output
        assert not isinstance(result.exception, Exception), result.exception
        return result

    return run


def packed(**files: bytes) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:gz") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return target.getvalue()


def test_first_use_in_a_script(car: CarStandIn, dr: Dr) -> None:
    refused = dr("list", car.host)
    assert refused.exit_code == 2 and FIRST in refused.stderr
    assert "--fingerprint" in refused.stderr and "--yes" in refused.stderr
    assert car.received == [] and not paths.known_cars().exists()
    assert "64 hex digits" in dr("list", car.host, "--fingerprint", "12").stderr
    other = dr("list", car.host, "--fingerprint", SECOND)
    assert other.exit_code == 1 and "not the given" in other.stderr and car.received == []
    assert dr("list", car.host, "--fingerprint", FIRST.replace(":", "").lower()).exit_code == 0
    known = dr("list", car.host)
    assert known.exit_code == 0 and FIRST not in known.stderr


def test_yes_trusts_what_is_new_and_not_what_changed(car: CarStandIn, dr: Dr) -> None:
    assert FIRST in dr("list", car.host, "--yes").stderr
    car.show(1)
    before = list(car.received)
    changed = dr("list", car.host, "--yes")
    assert changed.exit_code == 1 and "has changed" in changed.stderr and SECOND in changed.stderr
    assert car.received == before
    assert dr("list", car.host, "--fingerprint", SECOND).exit_code == 0


def test_passwords(car: CarStandIn, dr: Dr) -> None:
    missing = dr("list", "-y", car.host, password="")
    assert missing.exit_code == 2 and "--password-stdin or in DR_CAR_PASSWORD" in missing.stderr
    wrong = dr("list", car.host, password="wr0ng-one")
    assert wrong.exit_code == 1 and "refused the password" in wrong.stderr
    assert (
        dr("list", car.host, "--password-stdin", answer=PASSWORD + "\n", password="wr0ng-one").exit_code == 0
    )
    assert dr("list", car.host, "--password-stdin", answer="").exit_code == 2
    assert "DR_CAR_PASSWORD" not in os.environ, "programs that we start would have it"


def test_list(car: CarStandIn, dr: Dr) -> None:
    assert "no models" in dr("list", "-y", car.host).stderr
    car.add("fast", METADATA)
    car.add("half")
    table = dr("list", car.host)
    assert "Front-facing camera  Clipped PPO" in table.stdout and "not installed" in table.stdout
    assert f"dr car delete {car.host} half" in table.stderr
    fast, half = json.loads(dr("list", car.host, "--json").stdout)
    assert (fast["name"], fast["size"], fast["is_selectable"], half["is_installed"]) == (
        "fast",
        "23M",
        True,
        False,
    )


def test_delete(car: CarStandIn, dr: Dr) -> None:
    for name in ("one", "two", "three"):
        car.add(name, METADATA)
    unknown = dr("delete", "-y", "-f", car.host, "one", "..")
    assert unknown.exit_code == 1 and "has no model .." in unknown.stderr
    assert dr("delete", car.host, "one", answer="n\n").exit_code == 1
    assert len(os.listdir(car.artifacts)) == 3
    assert dr("delete", car.host, "one", answer="y\n").exit_code == 0
    assert "Deleted two, three" in dr("delete", "-f", car.host, "two", "three").stdout
    assert os.listdir(car.artifacts) == []


def test_push_a_model(car: CarStandIn, dr: Dr, upload_targets: UploadTargets) -> None:
    make_model(upload_targets.own, "team/model 1.5", [1, 10], last=10)
    done = dr("push", "-y", car.host, "-p", "team/model 1.5", "-b")
    assert done.exit_code == 0, done.output
    assert "model_1_5 is on" in done.stdout and "1_Step-100" in done.stdout
    assert f"https://{car.host}" in done.stderr
    assert (car.artifacts / "model_1_5" / "model.pb").read_bytes() == graph(1)
    assert dr("push", car.host, "-p", "team/model 1.5", "--name", "model_1_5", answer="n\n").exit_code == 1
    assert (car.artifacts / "model_1_5" / "model.pb").read_bytes() == graph(1)
    assert dr("push", car.host, "-p", "team/model 1.5", "-f").exit_code == 0
    assert (car.artifacts / "model_1_5" / "model.pb").read_bytes() == graph(10)
    before = len(car.received)
    assert dr("push", car.host, "-p", "missing").exit_code == 1
    assert dr("push", car.host, "--name", "a.b").exit_code == 2
    assert len(car.received) == before


def test_push_a_file(car: CarStandIn, dr: Dr, tmp_path: Path) -> None:
    path = tmp_path / "my fast.v3.tar.gz"
    path.write_bytes(carfile.pack(DOCUMENT, graph(3)))
    done = dr("push", "-y", car.host, "--file", str(path))
    assert done.exit_code == 0 and "my_fast is on" in done.stdout
    assert os.listdir(car.artifacts) == ["my_fast"]
    assert dr("push", car.host, "--file", str(path), "--name", "other").exit_code == 0
    assert "cannot be combined" in dr("push", car.host, "--file", str(path), "-b").stderr


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("model.zip", b"", "only accepts files named *.tar.gz"),
        ("model.tar.gz", b"no archive", "not a complete .tar.gz archive"),
        ("model.tar.gz", carfile.pack(DOCUMENT, graph(1))[:-20], "not a complete .tar.gz archive"),
        ("model.tar.gz", packed(**{"model_metadata.json": DOCUMENT}), "Found: none"),
        (
            "model.tar.gz",
            packed(**{"model_metadata.json": DOCUMENT, "a/model.pb": graph(1), ".coach_checkpoint": b"1"}),
            "Found: a/model.pb, .coach_checkpoint",
        ),
        ("model.tar.gz", packed(**{"x/model_metadata.json": DOCUMENT, "m.pb": graph(1)}), "at its root"),
        (
            "model.tar.gz",
            packed(**{"model_metadata.json": b"// x\n" + DOCUMENT, "m.pb": graph(1)}),
            "misread",
        ),
        ("model.tar.gz", packed(**{"model_metadata.json": DOCUMENT, "m.pb": b"graph"}), "no input for"),
    ],
)
def test_a_file_that_a_car_would_ignore(
    car: CarStandIn, dr: Dr, tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    (tmp_path / name).write_bytes(content)
    refused = dr("push", "-y", car.host, "--file", str(tmp_path / name))
    assert refused.exit_code in (1, 2) and said in refused.stderr
    assert car.received == []


def test_a_push_that_the_car_does_not_install(car: CarStandIn, dr: Dr, tmp_path: Path) -> None:
    path = tmp_path / "fast.tar.gz"
    path.write_bytes(carfile.pack(DOCUMENT, graph(3)))
    car.install_takes = 100
    failed = dr("push", "-y", car.host, "--file", str(path))
    assert failed.exit_code == 1 and "Failed to upload & optimize the model" in failed.stderr


def test_not_a_car(dr: Dr) -> None:
    assert dr("list", "me:pw@car").exit_code == 2


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_in_a_terminal(car: CarStandIn) -> None:
    """It asks whether to trust the car, then for the password, which is not shown."""
    ours, theirs = os.openpty()
    done = subprocess.Popen(
        [sys.executable, "-m", "drcli", "car", "list", car.host],
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    shown = b""
    for question, answer in ((b"Is that your car?", b"y"), (b"Password of", PASSWORD.encode())):
        while question not in shown:
            shown += os.read(ours, 1000)
        os.write(ours, answer + b"\n")
    output, _ = done.communicate()
    while done.returncode == 0 and b"next:" not in shown:
        shown += os.read(ours, 1000)
    os.close(ours)
    assert done.returncode == 0, shown
    assert FIRST.encode() in shown and PASSWORD.encode() not in shown + output
