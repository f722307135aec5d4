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

_API = Version("1.41")  # Docker 20.10, the oldest that we have tried
_COMPOSE_PORTS = (
    (8080, 10),
    (5901, 20),
)  # Docker takes the next free one: of the first so many, or of one per worker
_TOOLKIT = (
    "Install nvidia-container-toolkit (docs.nvidia.com), then "
    "`sudo nvidia-ctk runtime configure --runtime=docker{more} && sudo systemctl restart docker`; "
    "or take the image for the CPU."
)


def check_engine(subject: Subject) -> Iterator[CheckResult]:
    """Does the engine answer, is it new enough? Not asked where a workspace runs local processes."""
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
    """Is `docker compose` version 2?"""
    docker_engine.check_compose()
    version = docker_engine.run(["compose", "version", "--short"]).stdout.strip()
    yield ok(f"Docker Compose {version.removeprefix('v')}.")


def check_swarm(subject: Subject) -> Iterator[CheckResult]:
    """Do we manage a swarm, which nodes take tasks, is there one for the trainer and one for the workers?"""
    swarm_nodes.require_manager()
    everyone = swarm_nodes.nodes()
    for node in everyone:
        if not node.is_ready:
            yield warning(
                f"Node {node.hostname} takes no tasks ({node.state}, {node.availability}).",
                f"Start Docker there; `docker node update --availability active {node.hostname}`.",
            )
    yield from _placement(sagemaker=True)
    yield from _placement(sagemaker=False)
    ready = [
        f"{node.hostname} ({' '.join(node.may_run) or 'no label'})" for node in everyone if node.is_ready
    ]
    if ready:
        yield ok(f"Nodes that take tasks: {', '.join(ready)}.")
    if sum(bool(n.may_run) for n in everyone) > 1 and subject.settings.simapp_source == simapp.ENGINE:
        yield warning(
            f"Each node needs the image {_image_name(subject)}, which is in no registry.",
            "`dr images push REGISTRY`, and that name in DR_SIMAPP_SOURCE; or copy it to each node.",
        )
    if _publishes_nothing(subject):
        yield warning(
            "This kernel has no IP_VS: of several workers none has a port that a viewer could reach.",
            "`sudo modprobe ip_vs`, DR_WORKERS=1 or DR_DOCKER_STYLE=compose, if you want to watch them.",
        )


def check_network(subject: Subject) -> Iterator[CheckResult]:
    """Is the network of all stacks there, or can it be made?"""
    yield ok(stack_network.check_network("swarm" if subject.is_swarm else "compose"))


def check_gpu(subject: Subject) -> Iterator[CheckResult]:
    """An image for a GPU: does the engine have NVIDIA's runtime, and will a Swarm use it?"""
    info, image, settings = _info(), _image_name(subject), subject.settings
    has_runtime = "nvidia" in info["Runtimes"]
    if "gpu" not in image:
        for name in ("DR_SAGEMAKER_CUDA_DEVICES", "DR_ROBOMAKER_CUDA_DEVICES"):
            if settings.text(name):
                yield warning(
                    f"{settings.source(name)}: {name} has no effect with the image {image}.",
                    "Take an image for the GPU: DR_SIMAPP_VERSION=…-gpu.",
                )
        yield ok(
            f"The image uses no GPU{'; Docker could, it has the NVIDIA runtime' if has_runtime else ''}."
        )
    elif not has_runtime:
        yield error(f"{image} wants a GPU; Docker has no NVIDIA runtime.", _TOOLKIT.format(more=""))
    elif subject.is_swarm and info["DefaultRuntime"] != "nvidia":
        yield error(
            f"{image} wants a GPU; on a swarm the NVIDIA runtime has to be the default of each node.",
            _TOOLKIT.format(more=" --set-as-default"),
        )
    else:
        yield ok("Docker has the NVIDIA runtime.")


def check_docker_memory(subject: Subject) -> Iterator[CheckResult]:
    """Where the engine has a machine of its own (Docker Desktop, Colima): has that enough memory?"""
    total, need = _info()["MemTotal"], subject.memory_gb
    if total < need * GB:
        yield warning(
            f"Docker has {total / GB:.1f} GB of memory; a run with DR_WORKERS={subject.settings.workers} "
            f"takes about {need:.1f} GB.",
            "Set DR_WORKERS lower, or give Docker more memory.",
        )


def check_docker_disk(subject: Subject) -> Iterator[CheckResult]:
    """Is there room for the engine's image, if it has yet to come?"""
    folder = Path(_info()["DockerRootDir"])
    if not folder.is_dir():  # the engine is on another machine, if only a virtual one
        return
    free_gb, needs, image = shutil.disk_usage(folder).free / GB, subject.needs, _image_name(subject)
    need = needs.comfortable_disk
    if image and not images.exists(image):
        ours = needs.own_gpu_image_disk if "gpu" in image else needs.own_image_disk
        need = ours if subject.is_ours else needs.community_image_disk
    said = f"{free_gb:.1f} GB are free at {folder}, for images and containers"
    if free_gb < need:
        yield error(f"{said}; it takes {need:g} GB.", "`docker system prune` frees what Docker does not use.")
    else:
        yield ok(f"{said}.")


def check_image(subject: Subject) -> Iterator[CheckResult]:
    """Is the engine's image on this machine, and is ours made from the code that is installed here?"""
    image = images.image_of(subject.settings)
    if not images.exists(image):
        # Nodes of a swarm pull by themselves what a registry has; a name of ours alone none has.
        say = warning if subject.is_swarm and subject.settings.simapp_source != simapp.ENGINE else error
        yield say(f"There is no image {image} on this machine.", _way_to(image))
    elif images.is_outdated(image):
        yield warning(f"The image {image} is not of the drcli installed here.", _way_to(image))
    else:
        yield ok(f"The image {image} is there.")


def check_minio(subject: Subject) -> Iterator[CheckResult]:
    """The store of container stacks: is its image here, and is the store that may run already this workspace's?"""
    assert subject.workspace is not None
    try:
        if minio.of_workspace(subject.workspace) is None:
            check_owner(minio.PROJECT, containers.of_project(minio.PROJECT), subject.workspace.root)
    except DrError as fault:
        yield error(fault.message, "`dr store stop` there; there is one store of this kind on a machine.")
    image = minio_image(subject.settings.minio_image)
    if images.exists(image):
        yield ok(f"The image {image} is there.")
    else:
        yield error(
            f"There is no image {image} on this machine, which the store needs.", f"`docker pull {image}`"
        )


def check_ports(subject: Subject) -> Iterator[CheckResult]:
    """The ports that the community's containers publish; ours publish none."""
    settings, run_id = subject.settings, subject.settings.run_id
    if subject.workspace and any(
        run_control.is_running(subject.workspace, kind, run_id) for kind in RUN_KINDS
    ):
        yield ok(f"Run {run_id} is under way, on the ports of its own.")
        return
    if subject.is_swarm:
        skipped = ("training", "windows") if _publishes_nothing(subject) else ()
        for port, what in ((8080, "training"), (5900, "windows"), (8180, "evaluation")):
            if what not in skipped:
                fix = f"Stop it, or take another DR_RUN_ID than {run_id}."
                yield from check_port(port + run_id, f"{what} of run {run_id}", fix)
        return
    workers = settings.workers
    for first, size in _COMPOSE_PORTS:
        ports = range(first, first + max(size, workers))
        free = sum(is_free(port) for port in ports)
        said = f"{free} of the ports {ports[0]} to {ports[-1]} are free; each worker takes one"
        if free < workers:
            yield error(f"{said}, and there are {workers}.", "Stop what uses them, or set DR_WORKERS lower.")
        else:
            yield ok(f"{said}.")


def _placement(*, sagemaker: bool) -> Iterator[CheckResult]:
    try:
        swarm_nodes.check_placement(needs_sagemaker=sagemaker, needs_robomaker=not sagemaker)
    except DrError as fault:
        yield error(fault.message, fault.hint)


def _publishes_nothing(subject: Subject) -> bool:
    """Without IP_VS ports belong to nodes; two workers may come to the same one, so that none gets any."""
    return not subject.is_ours and subject.settings.workers > 1 and not swarm_nodes.has_ip_vs()


def _way_to(image: str) -> str:
    """The command that brings an image here."""
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
    """The engine's image; empty where the settings do not name one, which `check_image` tells."""
    try:
        return images.image_of(subject.settings)
    except UsageError:
        return ""
