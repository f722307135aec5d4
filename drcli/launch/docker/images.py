"""Our engine's image: its name, building it, listing images, pushing it to a registry for other machines."""

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
    """Options of a build; empty or None means the default.

    `wheels` take precedence over the package index, `ca` is a CA bundle for a TLS proxy, `tag` is a tag or a whole
    name, `extra` are requirements that reward functions import.
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
        """The name of the image that is built."""
        if ":" in self.tag.rpartition("/")[2]:
            return self.tag
        tag = self.tag or default_tag(gpu=self.gpu)
        if not _TAG.fullmatch(tag):
            raise UsageError(
                f"{self.tag!r} is not a valid image tag.", "Use, for example, 0.1.0-cpu, or NAME:TAG."
            )
        return f"{ENGINE}:{tag}"


@dataclass(frozen=True)
class ImageInfo:
    """One image on this machine. `is_wanted`: stacks use it. `is_outdated`: ours, but not of the installed code."""

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
    """The tag of the image for this version of drcli."""
    return f"{drcli.__version__}-{'gpu' if gpu else 'cpu'}"


def image_of(settings: Settings) -> str:
    """The engine's image. Raises UsageError if it is another engine and no version is set."""
    version = settings.simapp_version
    if not version and not is_ours(settings):
        raise UsageError(
            f"{settings.source('DR_SIMAPP_SOURCE')}: DR_SIMAPP_SOURCE={settings.simapp_source} needs a version.",
            "Set DR_SIMAPP_VERSION to a tag of that image, for example 6.0.4-cpu.",
        )
    return f"{settings.simapp_source}:{version or default_tag()}"


def exists(image: str) -> bool:
    """Whether the image is on this machine."""
    return bool(_id_of(image))


def build(options: BuildOptions, report: Report) -> str:
    """Build our image and return its name. `report` gets a line per step.

    Raises:
        DrError: a step failed; with the last lines of Docker or pip.
    """
    image = options.image
    wheels, ca = _wheels(options), _ca(options)
    if docker_engine.run(["buildx", "version"], check=False).code:
        raise DrError(
            "Docker's `buildx` plugin is not installed.",
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
    """Our images, the community's, and those of S3 servers; `wanted` is the image that stacks use."""
    with docker_engine.speaking() as client:
        found: list[dict[str, Any]] = client.api.images()
    content = image_context.current_content()
    infos = [_info(image, name, wanted, content) for image in found for name in image.get("RepoTags") or ()]
    of_interest = [i for i in infos if is_our_name(i.name) or i.name == COMMUNITY or _last(i.name) == MINIO]
    return sorted(of_interest, key=lambda i: (not is_our_name(i.name), i.name, i.tag))


def is_outdated(image: str) -> bool:
    """Whether it is our image and was built from other code than installed here. It has to exist."""
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
    """Tag our image for a registry and push it. Returns its name there.

    Raises:
        DrError: the image does not exist, or the registry rejects it.
    """
    if not _REGISTRY.fullmatch(registry):
        raise UsageError(
            f"{registry!r} is not a registry.", "Use HOST, HOST:PORT or HOST/PATH, without https://."
        )
    local, source = f"{ENGINE}:{tag}", f"{registry}/{ENGINE}"
    if not exists(local):
        raise DrError(f"There is no image {local} on this machine.", "Build it: `dr images build`.")
    with docker_engine.speaking() as client:
        client.images.get(local).tag(source, tag)
        problem = _push(client, source, tag, report)
        if problem:
            client.images.remove(f"{source}:{tag}")  # only the name, not the image
            host = registry.partition("/")[0]
            raise DrError(
                f"{registry} rejected the image: {problem}",
                f"Log in with `docker login {host}`; list a registry without TLS in the engine's insecure-registries.",
            )
    return f"{source}:{tag}"


def _push(client: docker.DockerClient, source: str, tag: str, report: Report) -> str:
    """The error of the registry; empty if everything was pushed."""
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
    """The wheels of the given folder, by default those of the folders that pip uses on this machine."""
    if options.wheels is not None and not options.wheels.is_dir():
        raise UsageError(f"--wheels {options.wheels} is not a folder.", "Use a folder with .whl files.")
    usual = [Path(word) for word in env.read(env.PIP_FIND_LINKS).split()]
    folders = [options.wheels] if options.wheels is not None else [path for path in usual if path.is_dir()]
    found = (wheel for folder in folders for wheel in sorted(folder.glob("*.whl")))
    return (wheel for wheel in found if not (options.gpu and "+cpu" in wheel.name))


def _ca(options: BuildOptions) -> Path | None:
    """The given CA bundle, by default the one that pip uses on this machine."""
    if options.ca is not None and not options.ca.is_file():
        raise UsageError(f"--ca {options.ca} is not a file.", "Use a file with certificates in PEM format.")
    usual = (Path(value) for name in (env.PIP_CERT, env.SSL_CERT_FILE) if (value := env.read(name)))
    return options.ca or next((path for path in usual if path.is_file()), None)


def _id_of(image: str) -> str:
    with docker_engine.speaking() as client:
        try:
            return str(client.images.get(image).id)
        except docker.errors.ImageNotFound:
            return ""


def _forget(image_id: str) -> None:
    """Remove an image whose name went to a newer one, unless a container uses it."""
    if not image_id:
        return
    with docker_engine.speaking() as client, suppress(docker.errors.ImageNotFound):
        image = client.images.get(image_id)
        users = client.containers.list(all=True, filters={"ancestor": image_id}, ignore_removed=True)
        if not image.tags and not users:
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
