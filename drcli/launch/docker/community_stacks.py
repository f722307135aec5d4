"""The stacks of the community's engine, as deepracer-for-cloud starts them: which compose files, and what their
variables stand for. Pure, but for `Machine.here`.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from drcli import env
from drcli.errors import DrError
from drcli.launch.docker.images import image_of
from drcli.launch.docker.stack_spec import StackSpec

if TYPE_CHECKING:
    from drcli.config.settings import Settings
    from drcli.launch.plan import Kind
    from drcli.paths import Workspace

Keys = Mapping[str, str] | None  # AWS_… variables; None where the machines have a role

_SOCKET = "/var/run/docker.sock"
_RANGE = 10  # ports that Compose may choose from


@dataclass(frozen=True)
class Machine:
    """What the stacks depend on besides settings: the kernel, and the X server of this machine."""

    has_ip_vs: bool = True
    is_wsl: bool = False
    docker_socket: str = _SOCKET
    display: str = ""
    xauthority: str = "/root/.Xauthority"

    @classmethod
    def here(cls) -> Machine:
        """This machine, and the engine that it uses; without an engine, what works with every one."""
        from drcli.launch.docker.swarm_nodes import has_ip_vs

        try:
            known_ip_vs = has_ip_vs()
        except DrError:
            known_ip_vs = False
        version = Path("/proc/version")
        host = env.read("DOCKER_HOST")
        # Docker Desktop and Colima have the engine in a virtual machine, where the usual path is the right one.
        is_own_socket = sys.platform == "linux" and host.startswith("unix://")
        return cls(
            has_ip_vs=known_ip_vs,
            is_wsl=version.is_file() and "microsoft" in version.read_text().lower(),
            docker_socket=host.removeprefix("unix://") if is_own_socket else _SOCKET,
            display=env.read("DISPLAY"),
            xauthority=env.read("XAUTHORITY") or str(Path.home() / ".Xauthority"),
        )


def training_spec(
    settings: Settings, workspace: Workspace, keys: Keys, machine: Machine, multi_config: str = ""
) -> StackSpec:
    """A training: rl_coach and DR_WORKERS workers. `multi_config` tells them their documents, as JSON."""
    several = settings.workers > 1
    is_swarm = settings.docker_style == "swarm"
    prefix = settings.local_s3_model_prefix
    files = _files(settings, "training", keys, machine)
    variables = _common(settings, workspace, machine, prefix) | _training(settings, machine)
    if several and not is_swarm:
        files.append("multi")
        variables["DRCLI_COMMS"] = str(workspace.data / f"comms.{settings.run_id}")
    if several and multi_config:
        files.append("multi-config")
        variables["MULTI_CONFIG"] = multi_config
    return _spec(settings, "training", files, variables, keys)


def evaluation_spec(
    settings: Settings, workspace: Workspace, keys: Keys, machine: Machine, prefix: str
) -> StackSpec:
    """An evaluation of the model at `prefix`: one worker."""
    variables = _common(settings, workspace, machine, prefix) | {
        "DR_CURRENT_PARAMS_FILE": settings.local_s3_eval_params_file,
        "DR_EVAL_DEBUG_REWARD": str(settings.eval_debug_reward),
        "DR_EVAL_RTF": settings.text("DR_EVAL_RTF"),
        "DR_ROBOMAKER_EVAL_PORT": _port(settings, 8180, 8080),
        "ROBOMAKER_COMMAND": "/opt/ml/code/run.sh run evaluation.launch.py",
    }
    files = _files(settings, "evaluation", keys, machine)
    return _spec(settings, "evaluation", files, variables, keys)


def check_scale(spec: StackSpec, replicas: int, *, is_ours: bool) -> None:
    """DrError when the running workers of the community's engine cannot be this many.

    They were told at their start that they are several, and which document each takes; that does not change.
    """
    if is_ours:
        return
    again = "`dr stop-training`, then `dr start-training"
    if "MULTI_CONFIG" in spec.variables:
        raise DrError(
            "Each worker of this run has a document of its own (DR_TRAIN_MULTI_CONFIG), so their number stays.",
            f"Write worker-2.env to worker-{replicas}.env; {again} --resume --set DR_WORKERS={replicas}`.",
        )
    if spec.variables.get("DR_WORKERS") == "1" and replicas > 1:
        raise DrError(
            "The worker of this run was started as the only one; another one would take itself for the same.",
            f"{again} --resume --set DR_WORKERS={replicas}`.",
        )


def _files(settings: Settings, kind: Kind, keys: Keys, machine: Machine) -> list[str]:
    """The overlays, in the order of deepracer-for-cloud, but for those of several workers."""
    host_x = "host-x-wsl" if machine.is_wsl else "host-x"
    choice = {
        kind: True,
        "endpoint": settings.store_endpoint_url is not None,
        "aws": settings.cloud == "aws",
        host_x: settings.host_x,
        **_style_files(settings, kind, machine),
        "cloudwatch": settings.cloud_watch_enable,
        "mount-simapp": bool(settings.robomaker_mount_simapp_dir),
        "mount-scripts": bool(settings.robomaker_mount_scripts_dir),
        "keys": keys is not None,
        "session-token": bool(keys and keys.get(env.AWS_SESSION_TOKEN)),
        "mount-logs": settings.robomaker_mount_logs,
    }
    return [name for name, is_chosen in choice.items() if is_chosen]


def _style_files(settings: Settings, kind: Kind, machine: Machine) -> dict[str, bool]:
    if settings.docker_style != "swarm":
        return {f"ports-{kind}": True}
    # Without IP_VS ports belong to nodes, and two workers may come to the same one.
    collide = not machine.has_ip_vs and kind == "training" and settings.workers > 1
    return {
        f"swarm-{kind}": True,
        f"swarm-ports-{kind}": not collide,
        "swarm-dnsrr": not machine.has_ip_vs,
    }


def _common(settings: Settings, workspace: Workspace, machine: Machine, prefix: str) -> dict[str, str]:
    """What both kinds of stacks are told. Yes and no are Python's words: the engine compares some with `True`."""
    telegraf = settings.telegraf_host
    return {
        "DRCLI_IMAGE": image_of(settings),
        "DRCLI_WORKSPACE": str(workspace.root),
        "DR_RUN_ID": str(settings.run_id),
        "DR_AWS_APP_REGION": settings.aws_app_region,
        "DR_LOCAL_S3_BUCKET": settings.local_s3_bucket,
        "DR_LOCAL_S3_MODEL_PREFIX": prefix,
        "DR_WORLD_NAME": settings.world_name,
        "DR_KINESIS_STREAM_NAME": settings.kinesis_stream_name,
        "DR_CAMERA_KVS_ENABLE": str(settings.camera_kvs_enable),
        "DR_GUI_ENABLE": str(settings.gui_enable),
        "DR_ROBOMAKER_CUDA_DEVICES": settings.robomaker_cuda_devices,
        "DR_GAZEBO_ARGS": settings.gazebo_args,
        "DR_GAZEBO_RENDER_ENGINE": settings.gazebo_render_engine,
        "DR_TELEGRAF_HOST": telegraf,
        "DR_TELEGRAF_PORT": str(settings.telegraf_port) if telegraf else "",
        **_optional(settings, workspace, machine, prefix),
    }


def _optional(settings: Settings, workspace: Workspace, machine: Machine, prefix: str) -> dict[str, str]:
    """What only some overlays ask for."""
    found: dict[str, str] = {}
    if settings.store_endpoint_url is not None:
        found["DR_MINIO_URL"] = settings.store_endpoint_url
    if settings.docker_style == "swarm":
        found["DRCLI_PORT_MODE"] = "ingress" if machine.has_ip_vs else "host"
    if settings.host_x:
        found |= {"DR_HOST_X": "True", "DISPLAY": settings.display or machine.display}
        found |= {} if machine.is_wsl else {"XAUTHORITY": machine.xauthority}
    if settings.cloud_watch_enable:
        found["DR_CLOUD_WATCH_LOG_STREAM_PREFIX"] = settings.cloud_watch_log_stream_prefix
    if settings.robomaker_mount_simapp_dir:
        folder = _folder(workspace, settings.robomaker_mount_simapp_dir)
        found["DR_ROBOMAKER_MOUNT_SIMAPP_DIR"] = folder
    if settings.robomaker_mount_scripts_dir:
        folder = _folder(workspace, settings.robomaker_mount_scripts_dir)
        found["DR_ROBOMAKER_MOUNT_SCRIPTS_DIR"] = folder
    if settings.robomaker_mount_logs:
        found["DR_MOUNT_DIR"] = str(workspace.logs / "robomaker" / prefix)
    return found


def _training(settings: Settings, machine: Machine) -> dict[str, str]:
    mode = "multi" if settings.workers > 1 else "run"
    return {
        "DRCLI_DOCKER_SOCKET": machine.docker_socket,
        "DR_WORKERS": str(settings.workers),
        "DR_CURRENT_PARAMS_FILE": settings.local_s3_training_params_file,
        "DR_LOCAL_S3_PRETRAINED": str(settings.local_s3_pretrained),
        "DR_LOCAL_S3_PRETRAINED_PREFIX": settings.local_s3_pretrained_prefix,
        "DR_LOCAL_S3_PRETRAINED_CHECKPOINT": settings.local_s3_pretrained_checkpoint,
        "DR_LOCAL_S3_HYPERPARAMETERS_KEY": settings.local_s3_hyperparameters_key,
        "DR_LOCAL_S3_MODEL_METADATA_KEY": settings.local_s3_model_metadata_key,
        "DR_SAGEMAKER_CUDA_DEVICES": settings.sagemaker_cuda_devices,
        "DR_TRAIN_MAX_STEPS_PER_ITERATION": settings.text("DR_TRAIN_MAX_STEPS_PER_ITERATION"),
        "DR_TRAIN_RTF": settings.text("DR_TRAIN_RTF"),
        "DR_ROBOMAKER_TRAIN_PORT": _port(settings, 8080, 8080, settings.workers),
        "DR_ROBOMAKER_GUI_PORT": _port(settings, 5900, 5901, settings.workers, 2 * _RANGE),
        "ROBOMAKER_COMMAND": f"/opt/ml/code/run.sh {mode} distributed_training.launch.py",
    }


def _port(settings: Settings, swarm: int, first: int, workers: int = 1, size: int = _RANGE) -> str:
    """In a swarm a port of each run; in Compose the range from which Docker takes one that is free."""
    if settings.docker_style == "swarm":
        return str(swarm + settings.run_id)
    return f"{first}-{first + max(size, workers) - 1}"


def _folder(workspace: Workspace, text: str) -> str:
    return str(workspace.root / Path(text).expanduser())


def _spec(
    settings: Settings, kind: Kind, files: list[str], variables: dict[str, str], keys: Keys
) -> StackSpec:
    return StackSpec(
        project=f"deepracer-{'' if kind == 'training' else 'eval-'}{settings.run_id}",
        style="swarm" if settings.docker_style == "swarm" else "compose",
        files=tuple(f"community/{name}.yml" for name in files),
        variables=variables,
        replicas={"robomaker": settings.workers if kind == "training" else 1},
        secrets=dict(keys or {}),
    )
