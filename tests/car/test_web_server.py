from __future__ import annotations

import json
from urllib.parse import urlencode

import pytest
from car_stand_in import PASSWORD, CarStandIn, certificate
from model_samples import METADATA, graph
from ports import free_port

from drcli.car import connection, web_server
from drcli.car.address import CarAddress
from drcli.car.connection import Connection
from drcli.car.web_server import WebServer
from drcli.errors import DrError
from drcli.models import carfile

ARCHIVE = carfile.pack(json.dumps(METADATA).encode(), graph(1))
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_server, "_PAUSE_S", 0.0)


@pytest.fixture
def wire(car: CarStandIn) -> Connection:
    return Connection(CarAddress.parse(car.host), certificate(0).fingerprint)


@pytest.fixture
def server(wire: Connection) -> WebServer:
    server = WebServer(wire)
    server.login(PASSWORD)
    return server


def test_upload_list_delete(car: CarStandIn, server: WebServer) -> None:
    car.add("older", METADATA | {"action_space_type": "continuous"})
    assert not server.has_folder("fast_3")
    told: list[tuple[str, int, int]] = []
    said = server.upload("fast_3", ARCHIVE, lambda *words: told.append(words))
    server.wait_for("fast_3", said)
    assert said == "Model uploaded successfully to your vehicle"
    assert told[-1][0] == "fast_3.tar.gz" and told[-1][1] == told[-1][2] > len(ARCHIVE)
    assert (car.artifacts / "fast_3" / "model.pb").read_bytes() == graph(1)
    fast, older = server.models()
    assert (fast.name, fast.sensors, fast.training_algorithm) == (
        "fast_3",
        "Front-facing camera",
        "Clipped PPO",
    )
    assert (older.action_space_type, fast.size, fast.is_installed, fast.is_selectable) == (
        "Continuous",
        "23M",
        True,
        True,
    )
    assert fast.uploaded is not None and server.has_folder("fast_3")
    server.delete(["fast_3"])
    assert [model.name for model in server.models()] == ["older"]


def test_installing_goes_on_after_the_answer(car: CarStandIn, server: WebServer) -> None:
    car.install_takes = 3
    said = server.upload("fast", ARCHIVE)
    assert said == "Failed to upload & optimize the model"
    server.wait_for("fast", said)
    assert (car.artifacts / "fast" / "checksum.txt").is_file()


def test_an_archive_that_the_car_ignores(
    car: CarStandIn, server: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The car says that all is well, and that the model is installed: its folder is there."""
    monkeypatch.setattr(web_server, "PATIENCE_S", 0.0)
    said = server.upload("fast", b"not an archive")
    assert server.has_folder("fast")
    with pytest.raises(DrError, match="did not install fast") as caught:
        server.wait_for("fast", said)
    assert said in caught.value.message
    (model,) = server.models()
    assert (model.is_installed, model.is_selectable, model.sensors) == (False, False, "--")


def test_without_the_sensors(car: CarStandIn, server: WebServer) -> None:
    car.add("fast", METADATA)
    car.cameras = False
    (model,) = server.models()
    assert model.is_installed and not model.is_selectable


@pytest.mark.parametrize("token", ["", "wrong"])
def test_the_stand_in_wants_the_csrf_token(wire: Connection, token: str) -> None:
    body = urlencode({"password": PASSWORD, "csrf_token": token}).encode()
    assert wire.ask("POST", "/login", FORM, body).status == 400
    wire.ask("GET", "/login")
    assert "session" in wire.cookies
    answer = wire.ask("POST", "/login", FORM, body)
    assert (answer.status, answer.words) == (400, "Bad Request The CSRF tokens do not match.")
    assert "deepracer_token" not in wire.cookies


def test_the_stand_in_wants_a_login(car: CarStandIn, wire: Connection) -> None:
    server = WebServer(wire)
    with pytest.raises(DrError, match="ended our login"):
        server.models()


def test_a_wrong_password(wire: Connection) -> None:
    with pytest.raises(DrError, match="refused the password") as caught:
        WebServer(wire).login("wr0ng-one")
    assert "wr0ng-one" not in str(caught.value)


def test_another_login_ends_ours_on_the_original(car: CarStandIn, server: WebServer) -> None:
    car.log_in()
    assert server.models() == []
    car.keeps_one_login = True
    car.log_in()
    with pytest.raises(DrError, match="ended our login"):
        server.models()


def test_another_certificate_gets_nothing(car: CarStandIn) -> None:
    """The fingerprint is checked in the connection itself, not only in one made before."""
    other = Connection(CarAddress.parse(car.host), certificate(1).fingerprint)
    with pytest.raises(DrError, match="has just changed"):
        other.ask("POST", "/login", FORM, urlencode({"password": PASSWORD}).encode())
    assert car.received == []


def test_a_certificate_that_changes_after_the_page(car: CarStandIn, wire: Connection) -> None:
    car.hangs_up = True
    server = WebServer(wire)
    car.show(1)
    with pytest.raises(DrError, match="has just changed"):
        server.login(PASSWORD)
    assert car.received == [("GET /login", b"")]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((404, "nginx"), "does not seem to be a car"),
        ((200, "<h1>Router</h1>"), "does not seem to be a car"),
        ((302, ""), "does not seem to be a car"),
        ((502, "<html><title>x</title><h1>502 Bad Gateway</h1></html>"), "status 502: 502 Bad Gateway"),
    ],
)
def test_no_login_page(car: CarStandIn, wire: Connection, answer: tuple[int, str], said: str) -> None:
    car.failing["/login"] = answer
    with pytest.raises(DrError, match=said):
        WebServer(wire)


@pytest.mark.parametrize(
    ("answer", "said", "hint"),
    [
        ((404, ""), "too old: it has no /api/uploadModels", "Update"),
        ((413, ""), "too large", ""),
        ((500, "<h1>Internal Server Error</h1>"), "status 500: Internal Server Error", "disk full"),
        ((200, "<h1>what?</h1>"), "does not understand", ""),
    ],
)
def test_an_upload_that_fails(
    car: CarStandIn, server: WebServer, answer: tuple[int, str], said: str, hint: str
) -> None:
    car.failing["/api/uploadModels"] = answer
    with pytest.raises(DrError, match=said) as caught:
        server.upload("fast", ARCHIVE)
    assert hint in caught.value.hint


def test_a_deletion_that_fails(car: CarStandIn, server: WebServer) -> None:
    car.failing["/api/deleteModels"] = (200, '{"success": false, "message": "Failed to delete"}')
    with pytest.raises(DrError, match="did not delete everything: Failed to delete"):
        server.delete(["fast"])


@pytest.mark.parametrize("route", ["/api/models", "/api/uploaded_model_list"])
def test_lists_of_another_form(car: CarStandIn, server: WebServer, route: str) -> None:
    car.failing[route] = (200, '{"success": false}')
    with pytest.raises(DrError, match=f"answered {route} in a way"):
        server.models()


def test_nobody_there() -> None:
    with pytest.raises(DrError, match="is unreachable"):
        WebServer(Connection(CarAddress("127.0.0.1", free_port()), certificate(0).fingerprint))


def test_no_answer(car: CarStandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "_ANSWER_S", 0.2)
    car.answers.clear()
    wire = Connection(CarAddress.parse(car.host), certificate(0).fingerprint)
    with pytest.raises(DrError, match="no answer to GET /login"):
        WebServer(wire)
    car.answers.set()


def test_it_hangs_up(car: CarStandIn, server: WebServer) -> None:
    car.failing["/api/uploadModels"] = (0, "")
    with pytest.raises(DrError, match="closed the connection during POST /api/uploadModels"):
        server.upload("fast", ARCHIVE)
