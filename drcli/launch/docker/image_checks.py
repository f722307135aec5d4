"""Checks before containers are started: the image, and a GPU runtime if the image needs one."""

from __future__ import annotations

from drcli.config.settings import Settings
from drcli.errors import DrError
from drcli.launch.docker import docker_engine, images
from drcli.launch.simapp import ENGINE


def missing_image(settings: Settings) -> str:
    """The image of our engine if it has to be built first, otherwise empty."""
    image = images.image_of(settings)
    return image if settings.simapp_source == ENGINE and not images.exists(image) else ""


def outdated_image(settings: Settings) -> str:
    """The image of our engine if it exists but was built by another version of drcli, otherwise empty."""
    image = images.image_of(settings)
    is_built_here = settings.simapp_source == ENGINE and images.exists(image)
    return image if is_built_here and images.is_outdated(image) else ""


def check_image(image: str) -> None:
    """Raises DrError unless the image is on this machine."""
    if images.exists(image):
        return
    name, _, tag = image.rpartition(":")
    fix = f"`docker pull {image}` downloads it."
    if name == ENGINE:
        gpu = tag.endswith("-gpu")
        words = " --gpu" if gpu else ""
        words += "" if tag == images.default_tag(gpu=gpu) else f" --tag {tag}"
        fix = f"`dr images build{words}` builds it."
    raise DrError(f"There is no image {image} on this machine.", fix)


def check_gpu(image: str) -> None:
    """Raises DrError if the image needs a GPU and the engine has no GPU runtime."""
    with docker_engine.speaking() as client:
        runtimes = client.info().get("Runtimes", {})
    if "gpu" in image and "nvidia" not in runtimes:
        raise DrError(
            f"{image} needs a GPU, but Docker has no NVIDIA runtime.",
            "Install nvidia-container-toolkit, or use the CPU image (DR_SIMAPP_VERSION=…-cpu).",
        )
