"""The community's stacks equal those that deepracer-for-cloud itself starts, field by field."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from stack_requests import stack_of

from drcli.config.load import load_settings
from drcli.contract.run_name import RunKind
from drcli.launch.docker.docker_machine import owner
from drcli.launch.docker.minio_spec import minio_spec
from drcli.launch.docker.resolve import resolve
from drcli.launch.docker.stack_spec import StackSpec
from drcli.launch.machine import Machine
from drcli.launch.store_access import is_minio
from drcli.paths import Workspace

GOLDEN = Path(__file__).parents[4] / "shared" / "golden" / "stacks.json"
CASES: dict[str, Any] = json.loads(GOLDEN.read_text()) if GOLDEN.exists() else {}

PROFILE = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "wJalr$XUtnFEMI/K7MDENG"}
PC = Machine(has_ip_vs=True)

_LOOPBACK = "what Compose publishes is for this machine alone"
_MINIO_COMPOSE = "MinIO is a Compose project in Swarm style, too: bound to 127.0.0.1, and where its data are"
_MINIO_IMAGE = "MinIO's images left Docker Hub"
_DATA = "all that runs leave behind is below data/"
# (project, service, field) → [(value of deepracer-for-cloud, ours, why)]. Nothing else may differ, and all of it does.
# Not compared, as it is added to what is there: labels, `restart` of MinIO. Other differences are in
# test_community.py: session tokens, and ports without IP_VS.
DIFFERENCES: dict[tuple[str, str, str], list[tuple[object, object, str]]] = {
    ("s3", "", "style"): [("stack", "compose", _MINIO_COMPOSE)],
    ("s3", "minio", "image"): [("minio/minio:latest", "quay.io/minio/minio:latest", _MINIO_IMAGE)],
    ("s3", "minio", "ports"): [
        (["9000:9000", "9001:9001"], ["127.0.0.1:9000:9000", "127.0.0.1:9001:9001"], _LOOPBACK)
    ],
    ("deepracer-0", "robomaker", "ports"): [
        (
            ["8080-8089:8080", "5901-5920:5900"],
            ["127.0.0.1:8080-8089:8080", "127.0.0.1:5901-5920:5900"],
            _LOOPBACK,
        )
    ],
    ("deepracer-0", "robomaker", "mounts"): [
        (["<DR_DIR>/tmp/comms.0:/mnt/comms"], ["<DR_DIR>/data/comms.0:/mnt/comms"], _DATA)
    ],
}


def specs_of(case: Mapping[str, Any], workspace: Workspace) -> list[StackSpec]:
    workspace.system_env.write_text("")
    workspace.run_env.write_text("".join(f"{name}='{text}'\n" for name, text in case["env"].items()))
    settings = load_settings(workspace)
    store = [minio_spec(settings, workspace, PROFILE, owner())] if is_minio(settings) else []
    kind: RunKind = "evaluation" if "evaluation" in case["command"] else "training"
    return [*store, stack_of(settings, workspace, PROFILE, PC, kind)]


def as_golden(spec: StackSpec, also: Mapping[str, list[str]], workspace: Workspace) -> dict[str, Any]:
    """Our stack in the form of the golden file."""
    model = resolve(spec)
    services = {}
    for name, service in model["services"].items():
        environment = service.get("environment", {})
        deploy = service.get("deploy")
        services[name] = {
            "command": service["command"],
            "deploy": {key: value for key, value in deploy.items() if key != "labels"} if deploy else None,
            "environment": {
                key: value for key, value in environment.items() if key not in also.get(name, [])
            },
            "environment_also": sorted(key for key in also.get(name, []) if environment.get(key)),
            "image": service["image"],
            "logging": service.get("logging"),
            "mounts": [f"{mount['source']}:{mount['target']}" for mount in service.get("volumes", [])],
            "networks": list(service["networks"]),
            "ports": [port_of(port) for port in service.get("ports", [])],
        }
    stack = {
        "networks": {name: network["name"] for name, network in model["networks"].items()},
        "project": model["name"],
        "services": services,
        "style": "stack" if spec.style == "swarm" else "compose",
    }
    found: dict[str, Any] = json.loads(json.dumps(stack).replace(str(workspace.root), "<DR_DIR>"))
    return found


def port_of(port: Mapping[str, Any]) -> str:
    return ":".join(filter(None, (port.get("host_ip"), port["published"], str(port["target"]))))


def fields(stack: Mapping[str, Any]) -> Iterator[tuple[str, str, object]]:
    """Service, field and value of all that is compared; a variable without a value is not set."""
    yield from (("", field, stack[field]) for field in ("networks", "project", "style"))
    yield ("", "services", sorted(stack["services"]))
    for name, service in stack["services"].items():
        given = {key: value for key, value in service["environment"].items() if value is not None}
        yield from ((name, field, value) for field, value in {**service, "environment": given}.items())


def differences(case: Mapping[str, Any], workspace: Workspace) -> list[tuple[tuple[str, str, str], Any, Any]]:
    specs = specs_of(case, workspace)
    assert [spec.project for spec in specs] == [stack["project"] for stack in case["stacks"]]
    found: list[tuple[tuple[str, str, str], Any, Any]] = []
    for theirs, spec in zip(case["stacks"], specs, strict=True):
        also = {name: service["environment_also"] for name, service in theirs["services"].items()}
        ours = {(s, f): value for s, f, value in fields(as_golden(spec, also, workspace))}
        golden = {(s, f): value for s, f, value in fields(theirs)}
        assert ours.keys() == golden.keys()
        found += [((spec.project, *at), golden[at], ours[at]) for at in golden if golden[at] != ours[at]]
    return found


@pytest.mark.shared
@pytest.mark.docker
@pytest.mark.skipif(not CASES, reason="../shared/golden/stacks.json is missing")
def test_equals_deepracer_for_cloud(tmp_path: Path) -> None:
    assert len(CASES) == 6
    wanted = {(at, str(theirs), str(ours)) for at, rows in DIFFERENCES.items() for theirs, ours, _ in rows}
    met = set()
    for name, case in CASES.items():
        workspace = Workspace(tmp_path / name)
        workspace.root.mkdir()
        for at, theirs, ours in differences(case, workspace):
            assert (at, str(theirs), str(ours)) in wanted, f"{name}: {at}: {theirs} there, {ours} here"
            met.add((at, str(theirs), str(ours)))
    assert met == wanted


@pytest.mark.shared
@pytest.mark.skipif(not CASES, reason="../shared/golden/stacks.json is missing")
def test_scale_equals_deepracer_for_cloud(tmp_path: Path) -> None:
    for name, case in CASES.items():
        workspace = Workspace(tmp_path / name)
        workspace.root.mkdir()
        scale = case["stacks"][-1]["scale"]
        if scale:  # Compose; a swarm has it in the file, which is compared above
            replicas = specs_of(case, workspace)[-1].replicas
            assert [f"{service}={number}" for service, number in replicas.items()] == scale
