from __future__ import annotations

import ssl
import subprocess
import threading
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from droa_server import CLIENT, IDENTITY_POOL, POOL, REGION
from droa_user import DroaUser
from ports import free_port

from drcli.droa.droa_deployment import find_deployment
from drcli.errors import DrError, UsageError


def test_what_a_website_names(visitor: DroaUser) -> None:
    found = find_deployment(visitor.server.url + "/", {})
    assert (
        found.name == found.url == visitor.server.url and found.api_endpoint == f"{visitor.server.url}/prod"
    )
    assert (found.region, found.user_pool_id, found.user_pool_client_id) == (REGION, POOL, CLIENT)
    assert (found.identity_pool_id, found.upload_bucket) == (
        IDENTITY_POOL,
        visitor.server.upload.config.bucket,
    )


def test_written_by_hand(visitor: DroaUser) -> None:
    text = visitor.server.website()[1]
    for key in (
        "apiEndpointUrl",
        "userPoolId",
        "userPoolClientId",
        "identityPoolId",
        "region",
        "uploadBucketName",
    ):
        text = text.replace(f'"{key}"', f"\n  {key}")
    visitor.server.env_js = 200, "// ours\n" + text.replace('"', "'").replace("}", ",\n}")
    assert find_deployment(visitor.server.url, {}).user_pool_id == POOL


def test_parts_given_by_hand(visitor: DroaUser) -> None:
    assert find_deployment(visitor.server.url, {"upload_bucket": "other"}).upload_bucket == "other"
    known = find_deployment(visitor.server.url, {})
    given = {name: value for name, value in asdict(known).items() if name != "url"}
    visitor.server.log.clear()
    assert find_deployment("", given).name == known.api_endpoint
    assert visitor.server.log == []


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        ((200, "<!doctype html>"), "has no env.js, so it is not a DeepRacer on AWS"),
        ((404, "no"), "the server returned 404"),
        ((503, "no"), "the server returned 503"),
        ((301, "https://new.example.com/env.js"), "has moved to https://new.example.com/env.js"),
        ((200, "window.EnvironmentConfig = {};"), "region in http"),
        (
            (200, 'window.EnvironmentConfig = {"region": "evil.example.com/"};'),
            "is not valid: 'evil.example.com/'",
        ),
    ],
)
def test_another_address(visitor: DroaUser, answer: tuple[int, str], shown: str) -> None:
    visitor.server.env_js = answer
    with pytest.raises(DrError) as caught:
        find_deployment(visitor.server.url, {})
    assert shown in caught.value.message


def test_an_api_without_encryption(visitor: DroaUser) -> None:
    for url, given in (
        ("http://deepracer.example.com", {}),
        (visitor.server.url, {"api_endpoint": "http://api.example.com"}),
    ):
        with pytest.raises(UsageError, match="is not encrypted"):
            find_deployment(url, given)


def test_nobody_listens(visitor: DroaUser) -> None:
    with pytest.raises(DrError, match="is unreachable"):
        find_deployment(f"http://127.0.0.1:{free_port()}", {})


def test_a_certificate_that_nobody_knows(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=localhost",
            "-keyout",
            str(key),
            "-out",
            str(certificate),
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = HTTPServer(("127.0.0.1", free_port()), BaseHTTPRequestHandler)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        with pytest.raises(DrError, match="no secure connection") as caught:
            find_deployment(f"https://localhost:{server.server_port}", {})
    finally:
        server.shutdown()
        server.server_close()
    assert "CERTIFICATE_VERIFY_FAILED" in caught.value.message and "AWS_CA_BUNDLE" in caught.value.hint
