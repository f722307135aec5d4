"""Our engine's image: its name, building it, what images there are, pushing it to other machines' registry."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import docker
import docker.errors
from packaging.utils import canonicalize_name, parse_wheel_filename

import drcli
from drcli import env
from drcli.errors import DrError, UsageError
from drcli.launch.docker import docker_engine, image_context
from drcli.launch.docker.build_log import BuildLog, Report
from drcli.launch.simapp import COMMUNITY, ENGINE, is_our_name, is_ours

if TYPE_CHECKING:
    from drcli.config.settings import Settings

MINIO = "minio"
# Labels of our images; compose/Dockerfile sets them.
VERSION = "drcli.version"
FLAVOUR = "drcli.flavour"
CONTENT = "drcli.content"
PACKAGES = "drcli.packages"

_REGISTRY = re.compile(r"[\w.-]+(:\d+)?(/[a-z0-9._-]+)*", re.ASCII)
_TAG = re.compile(r"\w[\w.-]{0,127}", re.ASCII)


@dataclass(frozen=True)
class BuildOptions:
    """How to build: empty or None is the usual way.

    `wheels` are taken before the package index is asked, `ca` is a CA bundle for a TLS proxy, `tag` a tag or a
    whole name, `extra` are requirements that reward functions import.
    """

    gpu: bool = False
    base: str = ""
    torch_index: str = ""
    wheels: Path | None = None
    ca: Path | None = None
    tag: str = ""
    extra: tuple[str, ...] = ()

    @property
    def image(self) -> str:
        """The name of what is built."""
        if ":" in self.tag.rpartition("/")[2]:
            return self.tag
        tag = self.tag or default_tag(gpu=self.gpu)
        if not _TAG.fullmatch(tag):
            raise UsageError(f"{self.tag!r} is no tag of an image.", "For example 0.1.0-cpu, or NAME:TAG.")
        return f"{ENGINE}:{tag}"


@dataclass(frozen=True)
class ImageInfo:
    """One image on this machine. `is_wanted`: stacks use it. `is_outdated`: ours, but not of this drcli's code."""

    name: str
    tag: str
    flavour: str
    size_bytes: int
    created: datetime
    version: str
    is_wanted: bool
    is_outdated: bool

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        return {**self.__dict__, "created": self.created.isoformat()}


def default_tag(*, gpu: bool = False) -> str:
    """The tag of this drcli's image."""
    return f"{drcli.__version__}-{'gpu' if gpu else 'cpu'}"


def image_of(settings: Settings) -> str:
    """The engine's image. UsageError when it is another's and has no version."""
    version = settings.simapp_version
    if not version and not is_ours(settings):
        raise UsageError(
            f"{settings.source('DR_SIMAPP_SOURCE')}: DR_SIMAPP_SOURCE={settings.simapp_source} needs a version.",
            "Set DR_SIMAPP_VERSION to a tag of that image, for example 6.0.4-cpu.",
        )
    return f"{settings.simapp_source}:{version or default_tag()}"


def exists(image: str) -> bool:
    """Whether the engine of this machine has it."""
    return bool(_id_of(image))


def build(options: BuildOptions, report: Report) -> str:
    """Build our image; its name. `report` gets a line per step.

    Raises:
        DrError: what Docker or pip said last, when a step fails.
    """
    image = options.image
    wheels, ca = _wheels(options), _ca(options)
    if docker_engine.run(["buildx", "version"], check=False).code:
        raise DrError(
            "Docker has no `buildx` command here.",
            "Install the plugin: `sudo apt install docker-buildx`, or docker-buildx-plugin.",
        )
    former = _id_of(image)
    with tempfile.TemporaryDirectory(prefix="drcli-image-") as folder:
        context, done = Path(folder, "context"), Path(folder, "image-id")
        context.mkdir()
        content = image_context.assemble(context, wheels)
        command = _build_command(options, content, ca)
        log = BuildLog(report)
        for line in docker_engine.lines([*command, "--iidfile", str(done), str(context)]):
            log.read(line)
        if not done.exists():
            raise log.failure()
    _forget(former)
    return image


def list_images(wanted: str) -> list[ImageInfo]:
    """Ours, the community's, and the S3 servers'; `wanted` is the image that stacks use."""
    with docker_engine.speaking() as client:
        found: list[dict[str, Any]] = client.api.images()
    content = image_context.current_content()
    infos = [_info(image, name, wanted, content) for image in found for name in image.get("RepoTags") or ()]
    of_interest = [i for i in infos if is_our_name(i.name) or i.name == COMMUNITY or _last(i.name) == MINIO]
    return sorted(of_interest, key=lambda i: (not is_our_name(i.name), i.name, i.tag))


def is_outdated(image: str) -> bool:
    """Whether it is an image of ours made from other code than that installed here. It has to exist."""
    with docker_engine.speaking() as client:
        labels: dict[str, str] = client.images.get(image).labels
    return CONTENT in labels and labels[CONTENT] != image_context.current_content()


def was_added(package: str, image: str) -> bool | None:
    """Whether `--with` added a package to one of our images; None if the image cannot be inspected."""
    try:
        requirements = requirements_of(image)
    except DrError:
        return None
    return None if requirements is None else canonicalize_name(package) in map(_package_name, requirements)


def requirements_of(image: str) -> tuple[str, ...] | None:
    """The arguments of `--with` when the image was built; None if the image is not on this machine or not ours."""
    with docker_engine.speaking() as client:
        try:
            labels: dict[str, str] = client.images.get(image).labels
        except docker.errors.ImageNotFound:
            return None
    return tuple(labels.get(PACKAGES, "").split()) if CONTENT in labels else None


def push(registry: str, tag: str, report: Report) -> str:
    """Tag our image for a registry and push it; its name there.

    Raises:
        DrError: there is no such image, or the registry does not take it.
    """
    if not _REGISTRY.fullmatch(registry):
        raise UsageError(f"{registry!r} is no registry.", "HOST, HOST:PORT or HOST/PATH, without https://.")
    local, source = f"{ENGINE}:{tag}", f"{registry}/{ENGINE}"
    if not exists(local):
        raise DrError(f"There is no image {local} here.", "Build it: `dr images build`.")
    with docker_engine.speaking() as client:
        client.images.get(local).tag(source, tag)
        problem = _push(client, source, tag, report)
        if problem:
            client.images.remove(f"{source}:{tag}")  # the name, not the image
            host = registry.partition("/")[0]
            raise DrError(
                f"{registry} does not take the image: {problem}",
                f"Log in with `docker login {host}`; one without TLS has to be in the engine's insecure-registries.",
            )
    return f"{source}:{tag}"


def _push(client: docker.DockerClient, source: str, tag: str, report: Report) -> str:
    """What the registry objects to; empty when all is there."""
    done: set[str] = set()
    for event in client.images.push(source, tag, stream=True, decode=True):
        if "error" in event:
            return str(event["error"])
        layer, state = event.get("id", ""), event.get("status", "")
        if state in ("Pushed", "Layer already exists") and layer not in done:
            done.add(layer)
            report(f"{layer} {state.lower()}")
    return ""


def _build_command(options: BuildOptions, content: str, ca: Path | None) -> list[str]:
    arguments = {
        "VERSION": drcli.__version__,
        "CONTENT": content,
        "FLAVOUR": "gpu" if options.gpu else "cpu",
        "BASE": options.base,
        "TORCH_INDEX": options.torch_index,
        "EXTRA": " ".join(options.extra),
    }
    command = ["buildx", "build", "--load", "--progress", "plain", "--tag", options.image]
    for name, value in arguments.items():
        command += ["--build-arg", f"{name}={value}"] if value else []
    return command + (["--secret", f"id=ca,src={ca}"] if ca else [])


def _wheels(options: BuildOptions) -> Iterator[Path]:
    """The wheels of the folder given, or of those that pip looks into on this machine."""
    if options.wheels is not None and not options.wheels.is_dir():
        raise UsageError(f"--wheels {options.wheels} is no folder.", "Give a folder with .whl files.")
    usual = [Path(word) for word in env.read(env.PIP_FIND_LINKS).split()]
    folders = [options.wheels] if options.wheels is not None else [path for path in usual if path.is_dir()]
    found = (wheel for folder in folders for wheel in sorted(folder.glob("*.whl")))
    return (wheel for wheel in found if not (options.gpu and "+cpu" in wheel.name))


def _ca(options: BuildOptions) -> Path | None:
    """The CA bundle given, or the one that pip uses on this machine."""
    if options.ca is not None and not options.ca.is_file():
        raise UsageError(f"--ca {options.ca} is no file.", "Give a file of certificates in PEM format.")
    usual = (Path(value) for name in (env.PIP_CERT, env.SSL_CERT_FILE) if (value := env.read(name)))
    return options.ca or next((path for path in usual if path.is_file()), None)


def _id_of(image: str) -> str:
    with docker_engine.speaking() as client:
        try:
            return str(client.images.get(image).id)
        except docker.errors.ImageNotFound:
            return ""


def _forget(image_id: str) -> None:
    """Take away an image that has lost its name to a newer one, unless a container is made of it."""
    if not image_id:
        return
    with docker_engine.speaking() as client, suppress(docker.errors.ImageNotFound):
        image = client.images.get(image_id)
        if not image.tags and not client.containers.list(all=True, filters={"ancestor": image_id}):
            client.images.remove(image_id)


def _info(image: dict[str, Any], name: str, wanted: str, content: str) -> ImageInfo:
    labels: dict[str, str] = image.get("Labels") or {}
    repository, _, tag = name.rpartition(":")
    return ImageInfo(
        name=repository,
        tag=tag,
        flavour=labels.get(FLAVOUR) or next((f for f in ("cpu", "gpu") if f in tag), ""),
        size_bytes=image["Size"],
        created=datetime.fromtimestamp(image["Created"], UTC),
        version=labels.get(VERSION, labels.get("version", "")),
        is_wanted=name == wanted,
        is_outdated=CONTENT in labels and labels[CONTENT] != content,
    )


def _package_name(requirement: str) -> str:
    """`scikit_learn>=1.5` and `wheels/scikit_learn-1.5-py3-none-any.whl` both name scikit-learn."""
    file = _last(requirement)
    if file.endswith(".whl"):
        return parse_wheel_filename(file)[0]
    found = re.match(r"[\w.-]+", file)
    return canonicalize_name(found[0] if found else file)


def _last(name: str) -> str:
    return name.rpartition("/")[2]
