"""The community's stacks over the whole matrix of settings, each resolved by Docker's own client."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from stack_requests import stack_of, swarm_model

from drcli.config.load import load_settings, load_workers, settings_of
from drcli.config.params_documents import multi_config, render_training
from drcli.config.settings import Settings
from drcli.errors import DrError
from drcli.launch.docker import docker_machine
from drcli.launch.docker.community_host import check_host, prepare
from drcli.launch.docker.resolve import describe, resolve
from drcli.launch.docker.stack_spec import StackSpec
from drcli.launch.machine import Machine
from drcli.paths import Workspace, compose_dir

PROFILE = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "wJalr$XUtnFEMI/K7MDENG"}
SESSION = PROFILE | {"AWS_SESSION_TOKEN": "FwoGZXIvYXdzEXAMPLE"}
KEYS: dict[str, Mapping[str, str] | None] = {"profile": PROFILE, "session": SESSION, "role": None}
PC = Machine(has_ip_vs=True, display=":7", xauthority="/home/racer/.Xauthority")
PLAIN = Machine(has_ip_vs=False, display=":7", xauthority="/home/racer/.Xauthority")
WSL = Machine(has_ip_vs=True, is_wsl=True, display=":0")
PARAMS_FILE = "it costs $5.yaml"
COMMUNITY = {
    "DR_SIMAPP_SOURCE": "awsdeepracercommunity/deepracer-simapp",
    "DR_SIMAPP_VERSION": "6.0.4-gpu",
    "DR_LOCAL_S3_MODEL_PREFIX": "model-1",
}


# --- the matrix ---------------------------------------------------------------------------------------------------

# Settings in, overlays out. Kind, style and cloud come first, then whose keys, the machine, and other settings.
OVERLAYS: list[tuple[str, str, Machine, dict[str, str], str]] = [
    ("training compose local", "profile", PC, {}, "training endpoint ports-training keys"),
    (
        "training swarm local",
        "profile",
        PC,
        {},
        "training endpoint swarm-training swarm-ports-training keys",
    ),
    (
        "training swarm azure",
        "profile",
        PLAIN,
        {},
        "training endpoint swarm-training swarm-ports-training swarm-dnsrr keys",
    ),
    (
        "training swarm remote",
        "session",
        PC,
        {},
        "training endpoint swarm-training swarm-ports-training keys session-token",
    ),
    ("training swarm aws", "profile", PC, {}, "training aws swarm-training swarm-ports-training keys"),
    ("training swarm aws", "role", PC, {}, "training aws swarm-training swarm-ports-training"),
    ("training compose aws", "role", PLAIN, {}, "training aws ports-training"),
    ("evaluation compose local", "profile", PC, {}, "evaluation endpoint ports-evaluation keys"),
    (
        "evaluation swarm remote",
        "profile",
        PLAIN,
        {"DR_WORKERS": "3"},
        "evaluation endpoint swarm-evaluation swarm-ports-evaluation swarm-dnsrr keys",
    ),
    (
        "training compose local",
        "profile",
        PC,
        {"DR_WORKERS": "3"},
        "training endpoint ports-training keys multi",
    ),
    (
        "training swarm local",
        "profile",
        PLAIN,
        {"DR_WORKERS": "3"},
        "training endpoint swarm-training swarm-dnsrr keys",
    ),
    (
        "training compose local",
        "profile",
        PC,
        {"DR_WORKERS": "3", "DR_TRAIN_MULTI_CONFIG": "True"},
        "training endpoint ports-training keys multi multi-config",
    ),
    (
        "training compose azure",
        "profile",
        PC,
        {"DR_TRAIN_MULTI_CONFIG": "True"},
        "training endpoint ports-training keys",
    ),
    (
        "training compose local",
        "profile",
        PC,
        {"DR_HOST_X": "True", "DR_ROBOMAKER_MOUNT_LOGS": "true"},
        "training endpoint host-x ports-training keys mount-logs",
    ),
    (
        "evaluation compose local",
        "profile",
        WSL,
        {"DR_HOST_X": "True"},
        "evaluation endpoint host-x-wsl ports-evaluation keys",
    ),
    (
        "training compose local",
        "profile",
        WSL,
        {"DR_CLOUD_WATCH_ENABLE": "TRUE"},
        "training endpoint ports-training cloudwatch keys",
    ),
    (
        "training swarm local",
        "profile",
        PC,
        {
            "DR_HOST_X": "True",
            "DR_CLOUD_WATCH_ENABLE": "True",
            "DR_ROBOMAKER_MOUNT_SIMAPP_DIR": "/Some Where/SimApp",
            "DR_ROBOMAKER_MOUNT_SCRIPTS_DIR": "data/scripts",
            "DR_ROBOMAKER_MOUNT_LOGS": "True",
        },
        "training endpoint host-x swarm-training swarm-ports-training cloudwatch mount-simapp mount-scripts"
        " keys mount-logs",
    ),
]


def settings_for(where: str, options: Mapping[str, str]) -> Settings:
    _, style, cloud = where.split()
    remote = {"DR_REMOTE_MINIO_URL": "http://nas.local:9000"} if cloud == "remote" else {}
    multi = "DR_TRAIN_MULTI_CONFIG" in options
    file = {"DR_LOCAL_S3_TRAINING_PARAMS_FILE": PARAMS_FILE} if multi else {}
    return settings_of(COMMUNITY | remote | {"DR_DOCKER_STYLE": style, "DR_CLOUD": cloud, **file, **options})


def workers_of(settings: Settings) -> tuple[Settings, ...]:
    """As if each had an empty file of its own."""
    return (settings,) * (settings.workers - 1) if settings.train_multi_config else ()


def spec_for(
    where: str, keys: str, machine: Machine, options: Mapping[str, str], workspace: Workspace
) -> StackSpec:
    settings = settings_for(where, options)
    if where.startswith("evaluation"):
        return stack_of(settings, workspace, KEYS[keys], machine, "evaluation", "model-1-E")
    return stack_of(settings, workspace, KEYS[keys], machine, workers=workers_of(settings))


@pytest.mark.parametrize(
    ("where", "keys", "machine", "options", "overlays"),
    OVERLAYS,
    ids=[f"{row[0]} {number}" for number, row in enumerate(OVERLAYS)],
)
def test_overlays(
    where: str, keys: str, machine: Machine, options: dict[str, str], overlays: str, workspace: Workspace
) -> None:
    spec = spec_for(where, keys, machine, options, workspace)
    assert spec.files == tuple(f"community/{name}.yml" for name in overlays.split())


def test_every_overlay_is_in_the_table() -> None:
    there = {path.stem for path in (compose_dir() / "community").glob("*.yml")}
    assert there == {name for *_, overlays in OVERLAYS for name in overlays.split()}


OPTIONS: list[tuple[Machine, dict[str, str]]] = [
    (PC, {}),
    (PLAIN, {}),
    (PC, {"DR_HOST_X": "True", "DR_DISPLAY": ":99", "DR_TELEGRAF_HOST": "telegraf"}),
    (WSL, {"DR_HOST_X": "True", "DR_GUI_ENABLE": "true", "DR_TRAIN_RTF": "2.5", "DR_EVAL_RTF": "3"}),
    (PLAIN, {"DR_CLOUD_WATCH_ENABLE": "True", "DR_CLOUD_WATCH_LOG_STREAM_PREFIX": "one-", "DR_RUN_ID": "7"}),
    (
        PC,
        {
            "DR_HOST_X": "True",
            "DR_CLOUD_WATCH_ENABLE": "True",
            "DR_ROBOMAKER_MOUNT_SIMAPP_DIR": "/Some Where/SimApp",
            "DR_ROBOMAKER_MOUNT_SCRIPTS_DIR": "data/scripts",
            "DR_ROBOMAKER_MOUNT_LOGS": "True",
            "DR_TRAIN_MULTI_CONFIG": "True",
            "DR_LOCAL_S3_PRETRAINED": "yes",
            "DR_TRAIN_MAX_STEPS_PER_ITERATION": "5000",
            "DR_RUN_ID": "3",
        },
    ),
]
PLACES = [
    ("local", "profile"),
    ("azure", "profile"),
    ("remote", "session"),
    ("aws", "profile"),
    ("aws", "role"),
]
KINDS = ["training 1", "training 3", "evaluation 1"]


@pytest.mark.docker
@pytest.mark.parametrize("style", ["compose", "swarm"])
@pytest.mark.parametrize("kind_workers", KINDS)
@pytest.mark.parametrize(("cloud", "keys"), PLACES)
def test_matrix(style: str, kind_workers: str, cloud: str, keys: str, workspace: Workspace) -> None:
    kind, workers = kind_workers.split()
    for machine, options in OPTIONS:
        where = f"{kind} {style} {cloud}"
        spec = spec_for(where, keys, machine, options | {"DR_WORKERS": workers}, workspace)
        settings = settings_for(where, options | {"DR_WORKERS": workers})
        model = resolve(spec)
        check_service_environment(model, settings, kind, keys)
        check_options(model["services"]["robomaker"], settings, machine, workspace)
        check_labels(model, settings, kind, workspace)
        check_ports(model["services"]["robomaker"], settings, kind, machine)
        if style == "swarm":
            check_swarm(swarm_model(spec), model, machine)


def check_service_environment(model: dict[str, Any], settings: Settings, kind: str, keys: str) -> None:
    given = KEYS[keys] or {}
    is_aws = settings.cloud == "aws"
    endpoints = {
        "local": "http://minio:9000",
        "azure": "http://minio:9000",
        "remote": "http://nas.local:9000",
    }
    assert model["networks"] == {"default": {"name": "sagemaker-local", "ipam": {}, "external": True}}
    assert set(model["services"]) == {"rl_coach", "robomaker"}
    for service in model["services"].values():
        environment = service["environment"]
        assert service["image"] == "awsdeepracercommunity/deepracer-simapp:6.0.4-gpu"
        assert service["networks"] == {"default": None}
        assert environment.get("S3_ENDPOINT_URL") == endpoints.get(settings.cloud)
        assert environment.get("AWS_METADATA_SERVICE_TIMEOUT") == ("3" if is_aws else None)
        assert environment.get("AWS_METADATA_SERVICE_NUM_ATTEMPTS") == ("5" if is_aws else None)
        assert {name: value for name, value in environment.items() if name in SESSION} == given
        assert None not in environment.values()
    robomaker, coach = (model["services"][name]["environment"] for name in ("robomaker", "rl_coach"))
    assert robomaker["ENABLE_GUI"] == str(settings.gui_enable)
    assert (robomaker["TELEGRAF_HOST"], robomaker["TELEGRAF_PORT"]) in (("", ""), ("telegraf", "8092"))
    words = model["services"]["robomaker"]["command"]
    if kind == "evaluation":
        assert words == ["/opt/ml/code/run.sh run evaluation.launch.py"]
        assert robomaker["MODEL_S3_PREFIX"] == "model-1-E"
        assert robomaker["RTF_OVERRIDE"] == settings.text("DR_EVAL_RTF")
        assert "MULTI_CONFIG" not in robomaker
        return
    several = settings.workers > 1
    assert words == [f"/opt/ml/code/run.sh {'multi' if several else 'run'} distributed_training.launch.py"]
    assert robomaker["RTF_OVERRIDE"] == settings.text("DR_TRAIN_RTF")
    several_documents = multi_config(render_training(settings, None, workers_of(settings)))
    assert "it costs $5" in several_documents or not settings.train_multi_config
    has_several = several and settings.train_multi_config
    assert robomaker.get("MULTI_CONFIG") == (several_documents if has_several else None)
    assert coach["PRETRAINED"] == str(settings.local_s3_pretrained)
    assert coach["MAX_MEMORY_STEPS"] == settings.text("DR_TRAIN_MAX_STEPS_PER_ITERATION")
    assert coach["RUN_ID"] == str(settings.run_id)


def check_options(
    robomaker: dict[str, Any], settings: Settings, machine: Machine, workspace: Workspace
) -> None:
    environment, root = robomaker["environment"], workspace.root
    mounts = {mount["target"]: mount["source"] for mount in robomaker.get("volumes", [])}
    is_evaluation = "MODEL_S3_PREFIX" in environment
    wanted = {}
    if settings.host_x:
        assert environment["USE_EXTERNAL_X"] == "True"
        assert environment["DISPLAY"] == (settings.display or machine.display)
        wanted["/tmp/.X11-unix"] = "/tmp/.X11-unix"
        if machine.is_wsl:
            assert environment["LD_LIBRARY_PATH"] == "/usr/lib/wsl/lib"
            assert [device["source"] for device in robomaker["devices"]] == ["/dev/dxg"]
            wanted |= {"/mnt/wslg": "/mnt/wslg", "/usr/lib/wsl": "/usr/lib/wsl"}
        else:
            assert environment["XAUTHORITY"] == "/root/.Xauthority"
            assert environment["NVIDIA_DRIVER_CAPABILITIES"] == "all"
            wanted["/root/.Xauthority"] = machine.xauthority
    else:
        assert not {"DISPLAY", "XAUTHORITY", "USE_EXTERNAL_X"} & environment.keys()
    if settings.robomaker_mount_logs:
        prefix = "model-1-E" if is_evaluation else "model-1"
        wanted |= {"/opt/simapp": "/Some Where/SimApp", "/scripts": f"{root}/data/scripts"}
        wanted["/root/.ros/log"] = f"{root}/data/logs/robomaker/{prefix}"
    if settings.docker_style == "compose" and settings.workers > 1 and not is_evaluation:
        wanted["/mnt/comms"] = f"{root}/data/comms.{settings.run_id}"
    assert mounts == wanted
    if settings.cloud_watch_enable:
        assert robomaker["logging"] == {
            "driver": "awslogs",
            "options": {
                "awslogs-group": "/deepracer-for-cloud",
                "awslogs-create-group": "true",
                "awslogs-region": "us-east-1",
                "tag": f"{settings.cloud_watch_log_stream_prefix}{{{{.Name}}}}",
            },
        }
    else:
        assert "logging" not in robomaker


def check_labels(model: dict[str, Any], settings: Settings, kind: str, workspace: Workspace) -> None:
    labels = {
        "drcli.workspace": str(workspace.root),
        "drcli.kind": kind,
        "drcli.run_id": str(settings.run_id),
        "drcli.prefix": "model-1-E" if kind == "evaluation" else "model-1",
    }
    for service in model["services"].values():
        assert service["labels"] == labels
        if settings.docker_style == "swarm":
            assert service["deploy"]["labels"] == labels
    name = f"deepracer-eval-{settings.run_id}" if kind == "evaluation" else f"deepracer-{settings.run_id}"
    assert model["name"] == name


def check_ports(robomaker: dict[str, Any], settings: Settings, kind: str, machine: Machine) -> None:
    ports = {
        port["target"]: (port.get("host_ip"), port["published"], port["mode"])
        for port in robomaker.get("ports", [])
    }
    run = settings.run_id
    if settings.docker_style == "compose":
        screen = {} if kind == "evaluation" else {5900: ("127.0.0.1", "5901-5920", "ingress")}
        assert ports == {8080: ("127.0.0.1", "8080-8089", "ingress")} | screen
        return
    mode = "ingress" if machine.has_ip_vs else "host"
    if kind == "evaluation":
        assert ports == {8080: (None, str(8180 + run), mode)}
    elif settings.workers > 1 and not machine.has_ip_vs:
        assert ports == {}
    else:
        assert ports == {8080: (None, str(8080 + run), mode), 5900: (None, str(5900 + run), mode)}


def check_swarm(stack: dict[str, Any], model: dict[str, Any], machine: Machine) -> None:
    """Swarm's reading of the files agrees with that of Compose, which is looked at above."""
    for name, label in (("rl_coach", "Sagemaker"), ("robomaker", "Robomaker")):
        ours, theirs = stack["services"][name], model["services"][name]
        assert ours["environment"] == theirs["environment"]
        assert ours["command"] == theirs["command"]
        deploy = ours["deploy"]
        assert deploy["placement"] == {"constraints": [f"node.labels.{label} == true"]}
        assert deploy["restart_policy"] == {"condition": "none"}
        assert deploy.get("endpoint_mode") == (None if machine.has_ip_vs else "dnsrr")
        assert deploy["labels"] == theirs["deploy"]["labels"]
        assert {(port["target"], str(port["published"]), port["mode"]) for port in ours.get("ports", [])} == {
            (port["target"], port["published"], port["mode"]) for port in theirs.get("ports", [])
        }
        assert {(mount["source"], mount["target"]) for mount in ours.get("volumes", [])} == {
            (mount["source"], mount["target"]) for mount in theirs.get("volumes", [])
        }
    robomaker = stack["services"]["robomaker"]
    assert robomaker["environment"]["DOCKER_REPLICA_SLOT"] == "{{.Task.Slot}}"
    assert robomaker["deploy"]["replicas"] == (3 if "run.sh multi" in robomaker["command"][0] else 1)


# --- what the matrix does not show --------------------------------------------------------------------------------


def test_files_ask_for_nothing_but_what_the_spec_gives(workspace: Workspace) -> None:
    """Else the user's shell would decide."""
    for where, keys, machine, options, _ in OVERLAYS:
        spec = spec_for(where, keys, machine, options, workspace)
        for path in spec.paths:
            text = re.sub(r"(?m)(^|\s)#.*$", "", path.read_text())
            asked = set(re.findall(r"\$\{(\w+)\}", text)) | set(re.findall(r"(?m)^\s+([A-Z_]+):$", text))
            assert asked <= spec.environment.keys(), f"{where}: {path.name}"


@pytest.mark.docker
@pytest.mark.parametrize(
    "where", ["training compose remote", "training swarm remote", "evaluation swarm aws"]
)
def test_secrets_are_never_shown(where: str, workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "a-token-of-the-users-shell")
    for keys in ("session", "profile", "role"):
        spec = spec_for(where, keys, PC, {"DR_CLOUD_WATCH_ENABLE": "True"}, workspace)
        shown = json.dumps(describe(spec)) + repr(spec) + json.dumps(spec.to_document())
        assert not any(secret in shown for secret in SESSION.values())
        assert "a-token-of-the-users-shell" not in shown
        assert ("********" in shown) == (keys != "role")
        assert describe(spec)["replicas"] == spec.replicas


@pytest.mark.docker
def test_keys_of_the_shell_do_not_get_into_the_stack(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (*SESSION, "MULTI_CONFIG", "DISPLAY", "DR_WORLD_NAME", "ROBOMAKER_COMMAND"):
        monkeypatch.setenv(name, "of-the-users-shell")
    for keys in ("profile", "role"):
        spec = spec_for("training compose aws", keys, PC, {"DR_WORKERS": "2"}, workspace)
        assert "of-the-users-shell" not in json.dumps(resolve(spec))


@pytest.mark.docker
def test_multi_config_of_worker_files(workspace: Workspace) -> None:
    lines = COMMUNITY | {"DR_DOCKER_STYLE": "compose", "DR_WORKERS": "2", "DR_TRAIN_MULTI_CONFIG": "True"}
    workspace.system_env.write_text("")
    workspace.run_env.write_text("".join(f"{name}={text}\n" for name, text in lines.items()))
    workspace.worker_env(2).write_text("DR_WORLD_NAME=drcli_oval\n")
    settings = load_settings(workspace)
    spec = stack_of(settings, workspace, PROFILE, PC, workers=load_workers(workspace, settings))
    given = json.loads(resolve(spec)["services"]["robomaker"]["environment"]["MULTI_CONFIG"])
    assert given == {
        "multi_config": [
            {"config_file": "training_params_1.yaml", "world_name": "drcli_harbour"},
            {"config_file": "training_params_2.yaml", "world_name": "drcli_oval"},
        ]
    }


@pytest.mark.parametrize(("workers", "ports"), [("10", "8080-8089"), ("12", "8080-8091")])
def test_each_worker_in_compose_has_a_port(workers: str, ports: str, workspace: Workspace) -> None:
    spec = spec_for("training compose local", "profile", PC, {"DR_WORKERS": workers}, workspace)
    assert spec.variables["DR_ROBOMAKER_TRAIN_PORT"] == ports


def test_an_image_without_a_version_is_refused(workspace: Workspace) -> None:
    settings = settings_of({"DR_SIMAPP_SOURCE": "someone/simapp", "DR_DOCKER_STYLE": "compose"})
    with pytest.raises(DrError, match="needs a version"):
        stack_of(settings, workspace, PROFILE, PC)


def test_the_machine_is_looked_at(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings = settings_of({"DR_DOCKER_STYLE": "compose"})
    monkeypatch.setenv("DISPLAY", ":3")
    monkeypatch.delenv("XAUTHORITY", raising=False)
    machine = docker_machine.look(settings, workspace).machine
    assert machine.display == ":3"
    assert machine.xauthority == str(Path.home() / ".Xauthority")
    monkeypatch.setenv("XAUTHORITY", str(tmp_path / "key"))
    machine = docker_machine.look(settings, workspace).machine
    assert machine.xauthority == str(tmp_path / "key")


def test_folders_are_made_before_the_start(workspace: Workspace) -> None:
    options = {"DR_WORKERS": "2", "DR_ROBOMAKER_MOUNT_LOGS": "True"}
    spec = spec_for("training compose local", "profile", PC, options, workspace)
    prepare(spec)
    comms = workspace.data / "comms.0"
    (comms / "workers").write_text("those of the run before\n")
    prepare(spec)
    assert list(comms.iterdir()) == []
    assert (workspace.logs / "robomaker" / "model-1").is_dir()
    assert Path("/tmp/sagemaker").is_dir()


@pytest.mark.parametrize("name", ["DR_ROBOMAKER_MOUNT_SIMAPP_DIR", "DR_ROBOMAKER_MOUNT_SCRIPTS_DIR"])
def test_a_missing_folder_is_refused(name: str, workspace: Workspace) -> None:
    spec = spec_for("training compose local", "profile", PC, {name: "My Scripts"}, workspace)
    with pytest.raises(DrError, match=rf"{name}: there is no folder {workspace.root}/My Scripts"):
        check_host(spec)
    (workspace.root / "My Scripts").mkdir()
    check_host(spec)


def test_a_missing_display_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    def attempt(machine: Machine) -> None:
        check_host(spec_for("evaluation compose local", "profile", machine, {"DR_HOST_X": "True"}, workspace))

    with pytest.raises(DrError, match="there is no X display"):
        attempt(Machine())
    with pytest.raises(DrError, match="no X server is running at :2311"):
        attempt(Machine(display=":2311"))
    with pytest.raises(DrError, match="key, without which"):
        attempt(Machine(display="elsewhere:0", xauthority=str(tmp_path / "key")))
    (tmp_path / "key").touch()
    attempt(Machine(display="elsewhere:0", xauthority=str(tmp_path / "key")))
