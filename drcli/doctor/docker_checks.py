"""Checks of Docker: engine, Compose, GPU runtime, Swarm, network, images, and the ports that containers publish."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from packaging.version import Version

from drcli.contract.run_name import RUN_KINDS
from drcli.doctor.finding import GB, CheckResult, Subject, error, ok, warning
from drcli.doctor.storage_checks import check_port, is_free
from drcli.errors import DrError, UsageError
from drcli.launch import run_control, simapp
from drcli.launch.docker import containers, docker_engine, images, minio, stack_network, swarm_nodes
from drcli.launch.docker.claim import check_owner
from drcli.launch.docker.minio_spec import minio_image

_API = Version("1.41")  # Docker 20.10, the oldest tested version
_COMPOSE_PORTS = (
    (8080, 10),
    (5901, 20),
)  # first port and length of the range from which Docker takes a free one; longer with more workers
_TOOLKIT = (
    "Install nvidia-container-toolkit (docs.nvidia.com), then "
    "`sudo nvidia-ctk runtime configure --runtime=docker{more} && sudo systemctl restart docker`; "
    "or use the CPU image."
)


def check_engine(subject: Subject) -> Iterator[CheckResult]:
    """The engine has to respond and be new enough. Skipped in workspaces that run local processes."""
    if not subject.uses_docker and subject.workspace:
        yield ok("Not needed: DR_DOCKER_STYLE=process.")
        return
    try:
        with docker_engine.speaking() as client:
            found = client.version()
    except DrError as fault:
        if subject.uses_docker:
            raise
        yield ok(f"{fault.message} Only DR_DOCKER_STYLE=compose and swarm need it.")
        return
    said = f"Docker {found['Version']}, API {found['ApiVersion']}, on {found['Os']}/{found['Arch']}"
    if found["Os"] != "linux":
        yield error(f"{said}: it runs Windows containers.", "Switch Docker Desktop to Linux containers.")
    elif Version(found["ApiVersion"]) < _API:
        yield error(f"{said}: too old.", "Update it: docs.docker.com/engine/install.")
    else:
        yield ok(f"{said}.")


def check_compose(subject: Subject) -> Iterator[CheckResult]:
    """`docker compose` has to be version 2."""
    docker_engine.check_compose()
    version = docker_engine.run(["compose", "version", "--short"]).stdout.strip()
    yield ok(f"Docker Compose {version.removeprefix('v')}.")


def check_swarm(subject: Subject) -> Iterator[CheckResult]:
    """This machine has to be a swarm manager, and there have to be ready nodes for the trainer and for workers."""
    swarm_nodes.require_manager()
    everyone = swarm_nodes.nodes()
    for node in everyone:
        if not node.is_ready:
            yield warning(
                f"Node {node.hostname} accepts no tasks ({node.state}, {node.availability}).",
                f"Start Docker there, or run `docker node update --availability active {node.hostname}`.",
            )
    yield from _placement(sagemaker=True)
    yield from _placement(sagemaker=False)
    ready = [
        f"{node.hostname} ({' '.join(node.may_run) or 'no label'})" for node in everyone if node.is_ready
    ]
    if ready:
        yield ok(f"Available nodes: {', '.join(ready)}.")
    if sum(bool(n.may_run) for n in everyone) > 1 and subject.settings.simapp_source == simapp.ENGINE:
        yield warning(
            f"Each node needs the image {_image_name(subject)}, which is not in a registry.",
            "Run `dr images push REGISTRY` and set DR_SIMAPP_SOURCE to that name, or copy the image to each node.",
        )
    if _publishes_nothing(subject):
        yield warning(
            "This kernel has no IP_VS, so with several workers no port is published for viewers.",
            "To watch them, run `sudo modprobe ip_vs`, or use DR_WORKERS=1 or DR_DOCKER_STYLE=compose.",
        )


def check_network(subject: Subject) -> Iterator[CheckResult]:
    """The network of all stacks has to exist, or it has to be possible to create it."""
    yield ok(stack_network.check_network("swarm" if subject.is_swarm else "compose"))


def check_gpu(subject: Subject) -> Iterator[CheckResult]:
    """A GPU image needs the NVIDIA runtime, on a Swarm as the default runtime."""
    info, image, settings = _info(), _image_name(subject), subject.settings
    has_runtime = "nvidia" in info["Runtimes"]
    if "gpu" not in image:
        for name in ("DR_SAGEMAKER_CUDA_DEVICES", "DR_ROBOMAKER_CUDA_DEVICES"):
            if settings.text(name):
                yield warning(
                    f"{settings.source(name)}: {name} has no effect with the image {image}.",
                    "Use a GPU image: DR_SIMAPP_VERSION=…-gpu.",
                )
        yield ok(f"The image uses no GPU{', although Docker has the NVIDIA runtime' if has_runtime else ''}.")
    elif not has_runtime:
        yield error(f"{image} needs a GPU, but Docker has no NVIDIA runtime.", _TOOLKIT.format(more=""))
    elif subject.is_swarm and info["DefaultRuntime"] != "nvidia":
        yield error(
            f"{image} needs a GPU; in a swarm the NVIDIA runtime has to be the default runtime of each node.",
            _TOOLKIT.format(more=" --set-as-default"),
        )
    else:
        yield ok("Docker has the NVIDIA runtime.")


def check_docker_memory(subject: Subject) -> Iterator[CheckResult]:
    """If the engine runs in a virtual machine (Docker Desktop, Colima), that has to have enough memory."""
    total, need = _info()["MemTotal"], subject.memory_gb
    if total < need * GB:
        yield warning(
            f"Docker has {total / GB:.1f} GB of memory; a run with DR_WORKERS={subject.settings.workers} "
            f"needs about {need:.1f} GB.",
            "Reduce DR_WORKERS, or give Docker more memory.",
        )


def check_docker_disk(subject: Subject) -> Iterator[CheckResult]:
    """There has to be enough disk space for the engine's image, unless it is already there."""
    folder = Path(_info()["DockerRootDir"])
    if not folder.is_dir():  # the engine is on another machine, possibly a virtual one
        return
    free_gb, needs, image = shutil.disk_usage(folder).free / GB, subject.needs, _image_name(subject)
    need = needs.comfortable_disk
    if image and not images.exists(image):
        ours = needs.own_gpu_image_disk if "gpu" in image else needs.own_image_disk
        need = ours if subject.is_ours else needs.community_image_disk
    said = f"{free_gb:.1f} GB are free at {folder}, for images and containers"
    if free_gb < need:
        yield error(
            f"{said}; {need:g} GB are needed.", "`docker system prune` deletes what Docker does not use."
        )
    else:
        yield ok(f"{said}.")


def check_image(subject: Subject) -> Iterator[CheckResult]:
    """The engine's image has to be on this machine, and ours has to be built from the installed code."""
    image = images.image_of(subject.settings)
    if not images.exists(image):
        # Nodes of a swarm pull images from registries themselves, but ours is only in one if its name says so.
        say = warning if subject.is_swarm and subject.settings.simapp_source != simapp.ENGINE else error
        yield say(f"There is no image {image} on this machine.", _way_to(image))
    elif images.is_outdated(image):
        yield warning(f"The image {image} was built by another version of drcli.", _way_to(image))
    else:
        yield ok(f"The image {image} is available.")


def check_minio(subject: Subject) -> Iterator[CheckResult]:
    """The image of the MinIO store has to be available, and a running store has to be of this workspace."""
    assert subject.workspace is not None
    try:
        if minio.of_workspace(subject.workspace) is None:
            check_owner(minio.PROJECT, containers.of_project(minio.PROJECT), subject.workspace.root)
    except DrError as fault:
        yield error(fault.message, "Run `dr store stop` there; a machine can only run one such store.")
    image = minio_image(subject.settings.minio_image)
    if images.exists(image):
        yield ok(f"The image {image} is available.")
    else:
        yield error(
            f"There is no image {image} on this machine, which the store needs.", f"`docker pull {image}`"
        )


def check_ports(subject: Subject) -> Iterator[CheckResult]:
    """The ports that the community's containers publish have to be free; ours publish none."""
    settings, run_id = subject.settings, subject.settings.run_id
    if subject.workspace and any(
        run_control.is_running(subject.workspace, kind, run_id) for kind in RUN_KINDS
    ):
        yield ok(f"Run {run_id} is running and uses its ports.")
        return
    if subject.is_swarm:
        skipped = ("training", "windows") if _publishes_nothing(subject) else ()
        for port, what in ((8080, "training"), (5900, "windows"), (8180, "evaluation")):
            if what not in skipped:
                fix = f"Stop it, or use another DR_RUN_ID than {run_id}."
                yield from check_port(port + run_id, f"{what} of run {run_id}", fix)
        return
    workers = settings.workers
    for first, size in _COMPOSE_PORTS:
        ports = range(first, first + max(size, workers))
        free = sum(is_free(port) for port in ports)
        said = f"{free} of the ports {ports[0]} to {ports[-1]} are free; each worker needs one"
        if free < workers:
            yield error(f"{said}, and DR_WORKERS={workers}.", "Stop what uses them, or reduce DR_WORKERS.")
        else:
            yield ok(f"{said}.")


def _placement(*, sagemaker: bool) -> Iterator[CheckResult]:
    try:
        swarm_nodes.check_placement(needs_sagemaker=sagemaker, needs_robomaker=not sagemaker)
    except DrError as fault:
        yield error(fault.message, fault.hint)


def _publishes_nothing(subject: Subject) -> bool:
    """Without IP_VS, ports belong to nodes, and two workers on one node would collide, so none are published."""
    return not subject.is_ours and subject.settings.workers > 1 and not swarm_nodes.has_ip_vs()


def _way_to(image: str) -> str:
    """The command that pulls or builds an image."""
    repository, _, tag = image.rpartition(":")
    if repository != simapp.ENGINE:
        return f"`docker pull {image}`"
    gpu = "gpu" in tag
    words = ["dr images build", *(["--gpu"] if gpu else [])]
    return f"`{' '.join(words if tag == images.default_tag(gpu=gpu) else [*words, '--tag', tag])}`"


def _info() -> dict[str, Any]:
    with docker_engine.speaking() as client:
        info: dict[str, Any] = client.info()
    return info


def _image_name(subject: Subject) -> str:
    """The engine's image; empty if the settings do not name one, which `check_image` reports."""
    try:
        return images.image_of(subject.settings)
    except UsageError:
        return ""
