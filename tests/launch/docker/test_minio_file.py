"""MinIO's compose file."""

from __future__ import annotations

import os

import pytest

from drcli.config.load import settings_of
from drcli.launch.docker.docker_machine import owner
from drcli.launch.docker.minio_spec import PINNED, minio_image, minio_spec
from drcli.launch.docker.resolve import MASK, describe, resolve
from drcli.paths import Workspace

KEYS = {"AWS_ACCESS_KEY_ID": "drcli0123456789", "AWS_SECRET_ACCESS_KEY": "very$secret$$words"}


@pytest.mark.parametrize(
    ("setting", "image"),
    [
        ("", "quay.io/minio/minio:RELEASE.2025-09-07T16-13-09Z"),
        ("latest", "quay.io/minio/minio:latest"),
        ("RELEASE.2022-10-24T18-35-07Z", "quay.io/minio/minio:RELEASE.2022-10-24T18-35-07Z"),
        ("minio/minio:latest", "minio/minio:latest"),
        ("stand-in:1", "stand-in:1"),
        ("registry.local:5000/store", "registry.local:5000/store"),
    ],
)
def test_image(setting: str, image: str) -> None:
    assert minio_image(setting) == image


@pytest.mark.docker
@pytest.mark.parametrize("style", ["compose", "swarm"])
def test_file(style: str, workspace: Workspace) -> None:
    settings = settings_of({"DR_DOCKER_STYLE": style, "DR_STORE_PORT": "9100"})
    spec = minio_spec(settings, workspace, KEYS, owner())
    assert (spec.project, spec.style, spec.replicas) == ("s3", "compose", {"minio": 1})
    service = resolve(spec)["services"]["minio"]
    assert service["image"] == PINNED
    assert service["command"] == ["server", "/data", "--console-address", ":9001"]
    assert service["restart"] == "unless-stopped"
    assert service["labels"] == {"drcli.workspace": str(workspace.root), "drcli.kind": "store"}
    assert [(p["host_ip"], p["published"], p["target"]) for p in service["ports"]] == [
        ("127.0.0.1", "9100", 9000),
        ("127.0.0.1", "9101", 9001),
    ]
    assert [(v["source"], v["target"]) for v in service["volumes"]] == [(str(workspace.store), "/data")]
    environment = service["environment"]
    assert environment["MINIO_ROOT_USER"] == KEYS["AWS_ACCESS_KEY_ID"]
    assert environment["MINIO_ROOT_PASSWORD"] == KEYS["AWS_SECRET_ACCESS_KEY"]
    assert (environment["MINIO_UID"], environment["MINIO_GID"]) == (str(os.getuid()), str(os.getgid()))


@pytest.mark.docker
def test_the_usual_ports(workspace: Workspace) -> None:
    spec = minio_spec(settings_of({"DR_DOCKER_STYLE": "compose"}), workspace, KEYS, owner())
    assert [port["published"] for port in resolve(spec)["services"]["minio"]["ports"]] == ["9000", "9001"]
    spec = minio_spec(settings_of({"DR_STORE_PORT": "65535"}), workspace, KEYS, owner())
    assert [port["published"] for port in resolve(spec)["services"]["minio"]["ports"]] == ["65535", "65534"]


@pytest.mark.docker
def test_keys_are_never_shown(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINIO_ROOT_PASSWORD", "of-the-users-shell")
    settings = settings_of({"DR_DOCKER_STYLE": "compose"})
    for keys in (KEYS, {}):  # before the first start there are none
        spec = minio_spec(settings, workspace, keys, owner())
        shown = describe(spec)["services"]["minio"]["environment"]
        assert shown["MINIO_ROOT_USER"] == shown["MINIO_ROOT_PASSWORD"] == MASK
        assert not any(value in repr(spec) + str(spec.to_document()) for value in keys.values())
    assert resolve(spec)["services"]["minio"]["environment"]["MINIO_ROOT_PASSWORD"] == ""
