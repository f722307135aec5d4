"""What has to be there before containers are started: images, a GPU runtime where one is asked for."""

from __future__ import annotations

from drcli.config.settings import Settings
from drcli.errors import DrError
from drcli.launch.docker import docker_engine, images
from drcli.launch.simapp import ENGINE


def missing_image(settings: Settings) -> str:
    """The image of our engine when it has to be built first; else empty."""
    image = images.image_of(settings)
    return image if settings.simapp_source == ENGINE and not images.exists(image) else ""


def outdated_image(settings: Settings) -> str:
    """The image of our engine when it is here and was made by another drcli than this; else empty."""
    image = images.image_of(settings)
    is_built_here = settings.simapp_source == ENGINE and images.exists(image)
    return image if is_built_here and images.is_outdated(image) else ""


def check_image(image: str) -> None:
    """DrError unless the image is on this machine."""
    if images.exists(image):
        return
    name, _, tag = image.rpartition(":")
    fix = f"`docker pull {image}` fetches it."
    if name == ENGINE:
        gpu = tag.endswith("-gpu")
        words = " --gpu" if gpu else ""
        words += "" if tag == images.default_tag(gpu=gpu) else f" --tag {tag}"
        fix = f"`dr images build{words}` builds it."
    raise DrError(f"There is no image {image} on this machine.", fix)


def check_gpu(image: str) -> None:
    """DrError when the image wants a GPU and the engine has no runtime for one."""
    with docker_engine.speaking() as client:
        runtimes = client.info().get("Runtimes", {})
    if "gpu" in image and "nvidia" not in runtimes:
        raise DrError(
            f"{image} wants a GPU, and Docker has no NVIDIA runtime here.",
            "Install nvidia-container-toolkit, or take the image for the CPU (DR_SIMAPP_VERSION=…-cpu).",
        )
