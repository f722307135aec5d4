"""`dr images`: build the image of our engine, list images, push ours to a registry."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from drcli.cli import present
from drcli.errors import DrError

if TYPE_CHECKING:
    from drcli.launch.docker.images import ImageInfo


@click.group()
def command() -> None:
    """Build, list and push the images that DR_DOCKER_STYLE=compose and swarm use.

    \b
      dr images build
      dr images list
      dr images push registry.local:5000
    """


@command.command()
@click.option("--gpu", is_flag=True, help="With CUDA; the tag is VERSION-gpu.")
@click.option(
    "--base", metavar="IMAGE", default="", help="Base image, Debian with Python; default: python:3.12-slim."
)
@click.option(
    "--torch-index",
    metavar="URL",
    default="",
    help="Package index for PyTorch; pytorch.org/get-started shows the URLs for the CPU and each version of CUDA.",
)
@click.option(
    "--wheels",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Folder of packages to use first; if it has all of them, no network is needed. Default: PIP_FIND_LINKS.",
)
@click.option(
    "--ca",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="CA bundle for downloads behind a TLS proxy; not stored in the image. Default: PIP_CERT, SSL_CERT_FILE.",
)
@click.option("--tag", default="", help="Another tag, or a full NAME:TAG.")
@click.option(
    "--with",
    "extra",
    multiple=True,
    metavar="PACKAGE",
    help="Add a package that your reward function imports; scipy, pandas and shapely are already included.",
)
def build(
    gpu: bool,
    base: str,
    torch_index: str,
    wheels: Path | None,
    ca: Path | None,
    tag: str,
    extra: tuple[str, ...],
) -> None:
    """Build drcli/simapp from this installation and its lock file. Needs no clone of drcli.

    On Linux the default package index only has PyTorch for CUDA: use --torch-index for an image without it.

    \b
      dr images build --torch-index URL
      dr images build --gpu
      dr images build --wheels wheels/ --base python:3.13-slim --with scikit-learn
    """
    from drcli.launch import simapp
    from drcli.launch.docker import images

    options = images.BuildOptions(gpu, base, torch_index, wheels, ca, tag, extra)
    name = images.build(options, present.say)
    present.result(name)
    if name == f"{simapp.ENGINE}:{images.default_tag()}":
        present.next_step("dr start-training", "with DR_DOCKER_STYLE=compose")
    else:
        source, _, version = name.rpartition(":")
        present.next_step(
            "dr start-training", f"with DR_SIMAPP_SOURCE={source} and DR_SIMAPP_VERSION={version}"
        )


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print the list as JSON.")
@click.pass_obj
def list_command(experiment: str | None, as_json: bool) -> None:
    """List the images of engines and MinIO on this machine, and show which one a run would use.

    An image of ours is outdated if it was built from another version of drcli's code.

    \b
      dr images list --json
    """
    from drcli.launch import simapp
    from drcli.launch.docker import images

    wanted = _wanted(experiment)
    found = images.list_images(wanted)
    if as_json:
        present.as_json([info.to_dict() for info in found])
    elif found:
        present.table(_row(info) for info in found)
    if any(info.is_wanted and not info.is_outdated for info in found):
        present.next_step("dr start-training", f"uses {wanted}")
    elif simapp.is_our_name(wanted):
        present.say(
            f"{wanted} is {'outdated' if any(i.is_wanted for i in found) else 'not on this machine'}."
        )
        present.next_step("dr images build", "build it")
    else:
        present.say(f"{wanted} is not on this machine.")
        present.next_step(f"docker pull {wanted}", "download it")


@command.command()
@click.argument("registry")
@click.option("--gpu", is_flag=True, help="The image with CUDA.")
@click.option("--tag", default="", help="Another tag.")
def push(registry: str, gpu: bool, tag: str) -> None:
    """Push our image to REGISTRY (HOST:PORT), from which the other nodes of a swarm can pull it.

    \b
      dr images push registry.local:5000
    """
    from drcli.launch.docker import images

    tag = tag or images.default_tag(gpu=gpu)
    name = images.push(registry, tag, present.say)
    present.result(name)
    present.say(f"In system.env: DR_SIMAPP_SOURCE={name.rpartition(':')[0]}")
    if tag != images.default_tag():
        present.say(f"               DR_SIMAPP_VERSION={tag}")
    present.next_step("dr start-training", "with DR_DOCKER_STYLE=swarm")


def _wanted(experiment: str | None) -> str:
    """The image in the workspace's settings; outside a workspace, that of the default settings."""
    from drcli.config.load import find_workspace, load_settings, settings_of
    from drcli.launch.docker import images

    try:
        workspace = find_workspace(experiment=experiment)
    except DrError:
        if experiment:
            raise
        return images.image_of(settings_of({}))
    return images.image_of(load_settings(workspace))


def _row(info: ImageInfo) -> dict[str, object]:
    return {
        "name": info.name,
        "tag": info.tag,
        "flavour": info.flavour or None,
        "size_MB": round(info.size_bytes / 1e6),
        "created": f"{info.created.astimezone():%Y-%m-%d %H:%M}",
        "version": info.version or None,
        "state": "outdated" if info.is_outdated else "",
        "used": info.is_wanted,
    }
