from __future__ import annotations

import socket
import ssl
import stat
import sys
import threading

import pytest
from car_stand_in import CarStandIn, certificate
from ports import free_port

from drcli import paths
from drcli.car import fingerprints
from drcli.car.address import CarAddress
from drcli.errors import DrError, UsageError

FIRST, SECOND = certificate(0).fingerprint, certificate(1).fingerprint


@pytest.fixture
def address(car: CarStandIn) -> CarAddress:
    return CarAddress.parse(car.host)


def test_first_use_then_known(car: CarStandIn, address: CarAddress) -> None:
    assert fingerprints.settle(address) == (FIRST, False)
    assert fingerprints.settle(address) == (FIRST, False), "it is only kept once the user agrees"
    fingerprints.remember(address, FIRST)
    assert fingerprints.settle(address) == (FIRST, True)
    if sys.platform != "win32":
        assert stat.S_IMODE(paths.known_cars().stat().st_mode) == 0o600
    assert car.received == []


def test_it_is_what_openssl_says(address: CarAddress) -> None:
    pem = ssl.get_server_certificate((address.host, address.port))
    import hashlib

    digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()
    assert fingerprints.presented(address) == fingerprints.parse(digest) == FIRST


def test_one_that_changed(car: CarStandIn, address: CarAddress) -> None:
    fingerprints.remember(address, FIRST)
    car.show(1)
    with pytest.raises(DrError, match="has changed") as caught:
        fingerprints.settle(address)
    assert FIRST in caught.value.message and SECOND in caught.value.message
    with pytest.raises(DrError, match="not the given"):
        fingerprints.settle(address, FIRST)
    assert fingerprints.settle(address, SECOND) == (SECOND, True)
    assert fingerprints.settle(address) == (SECOND, True)


def test_cars_are_kept_apart(address: CarAddress) -> None:
    fingerprints.remember(CarAddress("other"), SECOND)
    fingerprints.remember(address, FIRST)
    assert fingerprints.settle(address) == (FIRST, True)
    assert set(fingerprints._load().values()) == {FIRST, SECOND}


@pytest.mark.parametrize("content", ["{", "[]", '{"car:443": "AB"}', '{"car:443": 3}'])
def test_a_broken_file(address: CarAddress, content: str) -> None:
    paths.known_cars().parent.mkdir(parents=True)
    paths.known_cars().write_text(content)
    with pytest.raises(DrError, match="is broken"):
        fingerprints.settle(address)


def test_what_a_user_types() -> None:
    assert fingerprints.parse(FIRST.replace(":", "").lower()) == FIRST
    for wrong in ("", "AB:CD", FIRST + ":00", FIRST.replace(FIRST[0], "x")):
        with pytest.raises(UsageError, match="64 hex digits"):
            fingerprints.parse(wrong)


def test_nobody_there() -> None:
    with pytest.raises(DrError, match="is unreachable"):
        fingerprints.presented(CarAddress("127.0.0.1", free_port()))
    with pytest.raises(DrError, match="is unreachable"):
        fingerprints.presented(CarAddress("no-such-car.invalid"))


def test_not_https() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            client, _ = server.accept()
            with client:
                client.recv(1000)
                client.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(DrError, match="does not speak HTTPS"):
            fingerprints.presented(CarAddress("127.0.0.1", server.getsockname()[1]))
        thread.join()


def test_one_that_never_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fingerprints, "_TIMEOUT_S", 0.1)
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        pytest.raises(DrError, match="no answer within"),
    ):
        fingerprints.presented(CarAddress("127.0.0.1", server.getsockname()[1]))
