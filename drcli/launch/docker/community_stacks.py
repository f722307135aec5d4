"""The stacks of the community's engine, as started by deepracer-for-cloud: compose files and their variables. Pure."""

from __future__ import annotations

from pathlib import Path

from drcli import env
from drcli.config.params_documents import multi_config, render_training
from drcli.config.settings import Settings
from drcli.contract.run_name import WORKER, project_name
from drcli.errors import DrError
from drcli.launch.docker.deployment import Deployment, FirstPorts
from drcli.launch.docker.images import image_of
from drcli.launch.docker.stack_spec import StackSpec
from drcli.launch.launcher import RunRequest
from drcli.launch.machine import Machine, Snapshot
from drcli.paths import Workspace


def community_stack(request: RunRequest, snapshot: Snapshot, deployment: Deployment) -> StackSpec:
    """A training consists of rl_coach and DR_WORKERS workers, an evaluation of one worker."""
    settings, keys = request.settings, snapshot.credentials
    is_training = request.kind == "training"
    files = _files(request, snapshot, deployment)
    variables = _common(request, snapshot, deployment)
    variables |= (
        _training(settings, snapshot.machine, deployment)
        if is_training
        else _evaluation(settings, snapshot.machine, deployment)
    )
    if is_training and settings.workers > 1:
        files += deployment.worker_overlays(settings.workers)
        if request.workers:
            files.append("multi-config")
            variables["MULTI_CONFIG"] = multi_config(
                render_training(settings, snapshot.endpoint, request.workers)
            )
    return StackSpec(
        project=project_name(request.kind, settings.run_id),
        style=deployment.kind,
        files=tuple(f"community/{name}.yml" for name in files),
        variables=variables,
        replicas={WORKER: settings.workers if is_training else 1},
        secrets=dict(keys or {}),
    )


def check_scale(spec: StackSpec, replicas: int, *, is_ours: bool) -> None:
    """Raises DrError if a running stack of the community's engine cannot have this number of workers.

    Its workers are told once, at their start, whether there are several and which document each of them uses.
    """
    if is_ours:
        return
    again = "`dr stop-training`, then `dr start-training"
    if "MULTI_CONFIG" in spec.variables:
        raise DrError(
            "Each worker of this run has its own document (DR_TRAIN_MULTI_CONFIG), so it cannot be scaled.",
            f"Write worker-2.env to worker-{replicas}.env; {again} --resume --set DR_WORKERS={replicas}`.",
        )
    if spec.variables.get("DR_WORKERS") == "1" and replicas > 1:
        raise DrError(
            "The worker of this run was started as the only one; a second one would use the same identity.",
            f"{again} --resume --set DR_WORKERS={replicas}`.",
        )


def _files(request: RunRequest, snapshot: Snapshot, deployment: Deployment) -> list[str]:
    """The overlays in the order of deepracer-for-cloud, except those for several workers."""
    settings, machine, keys = request.settings, snapshot.machine, snapshot.credentials
    host_x = "host-x-wsl" if machine.is_wsl else "host-x"
    choice = {
        request.kind: True,
        "endpoint": snapshot.endpoint is not None,
        "aws": settings.cloud == "aws",
        host_x: settings.host_x,
        **dict.fromkeys(deployment.community_overlays(request.kind, settings.workers, machine), True),
        "cloudwatch": settings.cloud_watch_enable,
        "mount-simapp": bool(settings.robomaker_mount_simapp_dir),
        "mount-scripts": bool(settings.robomaker_mount_scripts_dir),
        "keys": keys is not None,
        "session-token": bool(keys and keys.get(env.AWS_SESSION_TOKEN)),
        "mount-logs": settings.robomaker_mount_logs,
    }
    return [name for name, is_chosen in choice.items() if is_chosen]


def _common(request: RunRequest, snapshot: Snapshot, deployment: Deployment) -> dict[str, str]:
    """Variables of both kinds of stacks. Booleans are `True` or `False`: the engine compares some with `True`."""
    settings, workspace, machine = request.settings, request.workspace, snapshot.machine
    telegraf = settings.telegraf_host
    return {
        "DRCLI_IMAGE": image_of(settings),
        "DRCLI_WORKSPACE": str(workspace.root),
        "DR_RUN_ID": str(settings.run_id),
        "DR_AWS_APP_REGION": settings.aws_app_region,
        "DR_LOCAL_S3_BUCKET": settings.local_s3_bucket,
        "DR_LOCAL_S3_MODEL_PREFIX": request.prefix,
        "DR_WORLD_NAME": settings.world_name,
        "DR_KINESIS_STREAM_NAME": settings.kinesis_stream_name,
        "DR_CAMERA_KVS_ENABLE": str(settings.camera_kvs_enable),
        "DR_GUI_ENABLE": str(settings.gui_enable),
        "DR_ROBOMAKER_CUDA_DEVICES": settings.robomaker_cuda_devices,
        "DR_GAZEBO_ARGS": settings.gazebo_args,
        "DR_GAZEBO_RENDER_ENGINE": settings.gazebo_render_engine,
        "DR_TELEGRAF_HOST": telegraf,
        "DR_TELEGRAF_PORT": str(settings.telegraf_port) if telegraf else "",
        **deployment.community_variables(request.kind, settings, workspace, machine),
        **_optional(request, snapshot),
    }


def _optional(request: RunRequest, snapshot: Snapshot) -> dict[str, str]:
    """Variables that only some overlays use."""
    settings, workspace, machine = request.settings, request.workspace, snapshot.machine
    found: dict[str, str] = {}
    if snapshot.endpoint is not None:
        found["DR_MINIO_URL"] = snapshot.endpoint
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
        found["DR_MOUNT_DIR"] = str(workspace.logs / "robomaker" / request.prefix)
    return found


def _training(settings: Settings, machine: Machine, deployment: Deployment) -> dict[str, str]:
    run_id, workers = settings.run_id, settings.workers
    mode = "multi" if workers > 1 else "run"
    return {
        "DRCLI_DOCKER_SOCKET": machine.docker_socket,
        "DR_WORKERS": str(workers),
        "DR_CURRENT_PARAMS_FILE": settings.local_s3_training_params_file,
        "DR_LOCAL_S3_PRETRAINED": str(settings.local_s3_pretrained),
        "DR_LOCAL_S3_PRETRAINED_PREFIX": settings.local_s3_pretrained_prefix,
        "DR_LOCAL_S3_PRETRAINED_CHECKPOINT": settings.local_s3_pretrained_checkpoint,
        "DR_LOCAL_S3_HYPERPARAMETERS_KEY": settings.local_s3_hyperparameters_key,
        "DR_LOCAL_S3_MODEL_METADATA_KEY": settings.local_s3_model_metadata_key,
        "DR_SAGEMAKER_CUDA_DEVICES": settings.sagemaker_cuda_devices,
        "DR_TRAIN_MAX_STEPS_PER_ITERATION": settings.text("DR_TRAIN_MAX_STEPS_PER_ITERATION"),
        "DR_TRAIN_RTF": settings.text("DR_TRAIN_RTF"),
        "DR_ROBOMAKER_TRAIN_PORT": deployment.port(run_id, machine, FirstPorts(8080, 8080), workers),
        "DR_ROBOMAKER_GUI_PORT": deployment.port(run_id, machine, FirstPorts(5900, 5901, 20), workers),
        "ROBOMAKER_COMMAND": f"/opt/ml/code/run.sh {mode} distributed_training.launch.py",
    }


def _evaluation(settings: Settings, machine: Machine, deployment: Deployment) -> dict[str, str]:
    return {
        "DR_CURRENT_PARAMS_FILE": settings.local_s3_eval_params_file,
        "DR_EVAL_DEBUG_REWARD": str(settings.eval_debug_reward),
        "DR_EVAL_RTF": settings.text("DR_EVAL_RTF"),
        "DR_ROBOMAKER_EVAL_PORT": deployment.port(settings.run_id, machine, FirstPorts(8180, 8080)),
        "ROBOMAKER_COMMAND": "/opt/ml/code/run.sh run evaluation.launch.py",
    }


def _folder(workspace: Workspace, text: str) -> str:
    return str(workspace.root / Path(text).expanduser())
