"""The stacks of our own engine in containers: compose files and values of their variables. Pure."""

from __future__ import annotations

from drcli import env
from drcli.config.settings import Settings
from drcli.contract.run_name import WORKER, project_name
from drcli.contract.service_variables import FIXED, Role, told
from drcli.launch.docker.deployment import Deployment, FirstPorts
from drcli.launch.docker.images import image_of
from drcli.launch.docker.port_ranges import CAMERA_PORTS
from drcli.launch.docker.stack_spec import StackSpec
from drcli.launch.launcher import RunRequest
from drcli.launch.machine import Machine, Snapshot
from drcli.launch.service_values import (
    EVALUATION_CAMERAS,
    TRAINING_CAMERAS,
    evaluation_values,
    trainer_threads,
    training_values,
    worker_threads,
)


def own_stack(request: RunRequest, snapshot: Snapshot, deployment: Deployment) -> StackSpec:
    """A training consists of one trainer and DR_WORKERS workers, an evaluation of one worker."""
    settings, keys, is_training = request.settings, snapshot.credentials, request.kind == "training"
    project = project_name(request.kind, settings.run_id)
    image = image_of(settings)
    files: list[str] = [request.kind]
    if is_training and image.endswith("-gpu"):
        files += deployment.own_gpu_overlays()
    files += [f"keys-{request.kind}"] if keys is not None else []
    files += deployment.own_overlays(request.kind)
    cameras = deployment.camera_overlays() if settings.camera_kvs_enable else []
    files += cameras
    files += [f"cloudwatch-{request.kind}"] if settings.cloud_watch_enable else []
    variables = _training(request, snapshot, deployment) if is_training else _evaluation(request, snapshot)
    common = {
        "DRCLI_PROJECT": project,
        "DRCLI_IMAGE": image,
        "DRCLI_WORKSPACE": str(request.workspace.root),
    }
    # A token from the user's shell must not be combined with another key.
    secrets = {env.AWS_SESSION_TOKEN: "", **keys} if keys is not None else {}
    return StackSpec(
        project=project,
        style=deployment.kind,
        files=tuple(f"drcli/{name}.yml" for name in files),
        variables=variables
        | (_cameras(request, snapshot.machine, deployment) if cameras else {env.DR_CAMERA_PORT: "0"})
        | common
        | _cloud_watch(settings),
        replicas={WORKER: settings.workers if is_training else 1},
        secrets=secrets | ({env.DR_WIRE_SECRET: snapshot.wire_secret} if is_training else {}),
    )


def _training(request: RunRequest, snapshot: Snapshot, deployment: Deployment) -> dict[str, str]:
    settings, machine = request.settings, snapshot.machine
    values = training_values(settings, snapshot)
    return {
        **_passed_on("trainer", values),
        **_passed_on("worker", values),
        **_shared_out(settings, machine),
        **deployment.own_variables(settings, request.workspace, machine),
        "DR_SAGEMAKER_CUDA_DEVICES": settings.sagemaker_cuda_devices,
    }


def _evaluation(request: RunRequest, snapshot: Snapshot) -> dict[str, str]:
    return _passed_on("evaluation", evaluation_values(request.settings, snapshot, request.prefix))


def _passed_on(role: Role, values: dict[str, str]) -> dict[str, str]:
    """Variables that a compose file passes on to a service of that role; fixed ones are in the file itself."""
    return {name: value for name, value in told(role, "container", values).items() if name not in FIXED}


def _shared_out(settings: Settings, machine: Machine) -> dict[str, str]:
    return {
        "DRCLI_TRAINER_THREADS": trainer_threads(settings, machine.cores),
        "DRCLI_WORKER_THREADS": worker_threads(settings, machine.cores),
    }


def _cameras(request: RunRequest, machine: Machine, deployment: Deployment) -> dict[str, str]:
    first = TRAINING_CAMERAS if request.kind == "training" else EVALUATION_CAMERAS
    workers = request.settings.workers if request.kind == "training" else 1
    ports = deployment.port(request.settings.run_id, machine, FirstPorts(first, first), workers)
    return {CAMERA_PORTS: ports}


def _cloud_watch(settings: Settings) -> dict[str, str]:
    if not settings.cloud_watch_enable:
        return {}
    return {
        "DR_AWS_APP_REGION": settings.aws_app_region,
        "DR_CLOUD_WATCH_LOG_STREAM_PREFIX": settings.cloud_watch_log_stream_prefix,
    }
