"""What cannot work is refused before anything is created, in words that help; a start that fails leaves nothing."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import standins
from polling import DEADLINE_S
from racing import Done, Racer
from second_node import FurtherEngine
from separate_engines import separate_engine, separate_racer

from drcli.launch import run_control
from drcli.launch.docker import docker_engine, swarm_mode, swarm_nodes
from drcli.store.client import Bucket
from drcli.store.store_config import StoreConfig

pytestmark = pytest.mark.docker
IMAGE = f"{standins.COMMUNITY}:{standins.COMMUNITY_TAG}"
BEGIN = ("start-training", "-q")
# Images of the wrong kind: what each runs instead of the engine.
BROKEN = {"no-command": '["/no/such"]', "crash": '["/bin/sh", "-c", "echo this is not the engine; exit 3"]'}


@dataclass
class Place:
    """A racer on an engine that has nothing but images, and what there is to see of a start."""

    racer: Racer
    bucket: Bucket
    engine: FurtherEngine
    known: set[str]

    def refused(self, *texts: str, code: int = 1, words: tuple[str, ...] = BEGIN, **more: str) -> Done:
        """The command fails with these words, and nothing is there that was not before."""
        done = self.racer.dr(*words, **more)
        assert done.returncode == code, done.stderr + done.stdout
        assert "Traceback" not in done.stderr
        assert "hint: " in done.stderr
        for text in texts:
            assert text in done.stderr, done.stderr
        self.nothing_new()
        return done

    def nothing_new(self) -> None:
        seen = self.engine.client
        assert {c.name for c in seen.containers.list(all=True)} == self.known
        assert seen.volumes.list() == []
        if seen.info()["Swarm"].get("ControlAvailable"):
            assert seen.services.list() == []
        ours = {"bridge", "host", "none", "sagemaker-local", "docker_gwbridge", "ingress"}
        assert {network.name for network in seen.networks.list()} <= ours
        assert list(self.bucket.list("model/")) == []
        assert list(run_control.running(self.racer.workspace)) == []

    def run(self, name: str, *words: str, **options: Any) -> None:
        """A container of somebody else's."""
        self.engine.client.containers.run(IMAGE, list(words), name=name, detach=True, init=True, **options)
        self.known.add(name)

    def set(self, **settings: str) -> None:
        self.racer.write_run_env(**settings)


@pytest.fixture(scope="module")
def alone(community_image: str) -> Iterator[FurtherEngine]:
    with separate_engine(8, IMAGE) as made:
        for tag, entrypoint in BROKEN.items():
            made.docker("create", "--name", tag, IMAGE)
            made.docker("commit", "--change", f"ENTRYPOINT {entrypoint}", tag, f"{standins.COMMUNITY}:{tag}")
            made.docker("rm", tag)
        made.docker("tag", IMAGE, f"{standins.COMMUNITY}:1.0-gpu")
        yield made


@pytest.fixture
def place(alone: FurtherEngine, new_racer: Callable[[], Racer], store: StoreConfig) -> Iterator[Place]:
    racer, bucket = separate_racer(
        new_racer, store, DR_DOCKER_STYLE="compose", DR_LOCAL_S3_MODEL_PREFIX="model"
    )
    yield Place(racer, bucket, alone, set())
    racer.dr("stop-all", "-y")
    for container in alone.client.containers.list(all=True):
        container.remove(force=True)


@pytest.fixture
def swarm(place: Place) -> Iterator[Place]:
    """A swarm of the one engine."""
    swarm_mode.init(place.engine.address)
    place.set(DR_DOCKER_STYLE="swarm")
    yield place
    place.racer.dr("stop-all", "-y")
    place.engine.docker("swarm", "leave", "--force")
    for network in place.engine.client.networks.list(names=["sagemaker-local"]):
        network.remove()


def script(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


# --- Docker itself ------------------------------------------------------------------------------------------------


def test_docker_is_absent(place: Place, free_port: int, tmp_path: Path) -> None:
    nowhere = {"PATH": str(tmp_path), "DOCKER_HOST": f"tcp://127.0.0.1:{free_port}"}
    place.refused("Docker is not installed", "DR_DOCKER_STYLE=process", **nowhere)


def test_the_engine_does_not_run(place: Place, free_port: int, tmp_path: Path) -> None:
    for host in (f"tcp://127.0.0.1:{free_port}", f"unix://{tmp_path}/none.sock"):
        place.refused("The Docker engine does not respond", "systemctl start docker", DOCKER_HOST=host)


def test_the_user_may_not(place: Place) -> None:
    """A socket that we cannot open, as the engine's is for who is not in its group. Root gives up its powers first."""
    path = Path(tempfile.gettempdir()) / f"drcli-{os.getpid()}.sock"
    if not shutil.which("setpriv"):
        pytest.skip("root needs setpriv (util-linux) to give up its powers")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        path.chmod(0)
        try:
            done = subprocess.run(
                ["setpriv", "--bounding-set=-all", sys.executable, "-m", "drcli", *BEGIN],
                cwd=place.racer.root,
                env=place.racer.environment | {"DOCKER_HOST": f"unix://{path}"},
                capture_output=True,
                text=True,
                check=False,
            )
        finally:
            path.unlink()
    assert done.returncode == 1, done.stderr
    assert "is not allowed to use Docker" in done.stderr
    assert "usermod -aG docker" in done.stderr
    place.nothing_new()


def test_compose_1_only(place: Place, tmp_path: Path) -> None:
    docker = shutil.which("docker")
    script(tmp_path, "docker", f'[ "$1" = compose ] && exit 1; exec {docker} "$@"')
    place.refused("Docker's `compose` plugin is not installed", "docker-compose-v2", PATH=str(tmp_path))
    script(tmp_path, "docker-compose", "echo docker-compose version 1.29.2")
    place.refused("Only Docker Compose version 1", "docker-compose-v2", PATH=str(tmp_path))


def test_no_swarm(place: Place) -> None:
    place.set(DR_DOCKER_STYLE="swarm")
    place.refused("This machine is not in a swarm", "dr swarm init")


def test_no_node_has_the_label(swarm: Place) -> None:
    (node,) = swarm_nodes.nodes()
    swarm_nodes.label(node.id, robomaker=False)
    swarm.refused("label Robomaker=true", f"dr swarm label {node.hostname} --robomaker")
    swarm_nodes.label(node.id, sagemaker=False, robomaker=True)
    swarm.refused("label Sagemaker=true", f"dr swarm label {node.hostname} --sagemaker")


# --- images -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("style", ["compose", "swarm"])
def test_there_is_no_image(style: str, request: pytest.FixtureRequest) -> None:
    place = request.getfixturevalue("swarm" if style == "swarm" else "place")
    place.set(DR_SIMAPP_VERSION="9.9.9-cpu")
    place.refused(
        f"There is no image {standins.COMMUNITY}:9.9.9-cpu", f"docker pull {standins.COMMUNITY}:9.9.9-cpu"
    )
    place.set(DR_SIMAPP_SOURCE="drcli/simapp", DR_SIMAPP_VERSION="", DR_WORLD_NAME="tiny")
    place.refused("There is no image drcli/simapp:", "`dr images build`")
    place.set(DR_SIMAPP_VERSION="mine")
    place.refused("There is no image drcli/simapp:mine", "`dr images build --tag mine`")
    place.set(DR_SIMAPP_VERSION="0.1.0-gpu")
    place.refused("There is no image drcli/simapp:0.1.0-gpu", "`dr images build --gpu`")


def test_a_gpu_without_a_runtime(place: Place) -> None:
    place.set(DR_SIMAPP_VERSION="1.0-gpu")
    place.refused("Docker has no NVIDIA runtime", "nvidia-container-toolkit", "DR_SIMAPP_VERSION")


# --- settings -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "name", "value", "meant"),
    [
        ("run.env", "DR_DOCKER_STYLE", "swam", "swarm"),
        ("system.env", "DR_DOCKER_STYLE", "kubernetes", "compose"),
        ("run.env", "DR_CLOUD", "locl", "local"),
        ("run.env", "DR_WORKERS", "two", "number"),
    ],
)
def test_wrong_words(place: Place, file: str, name: str, value: str, meant: str) -> None:
    path = place.racer.root / file
    kept = [line for line in (place.racer.root / "run.env").read_text().splitlines() if name not in line]
    (place.racer.root / "run.env").write_text("\n".join([*kept, ""]))
    with path.open("a") as lines:
        lines.write(f"{name}={value}\n")
    number = len(path.read_text().splitlines())
    done = place.racer.dr(*BEGIN)
    assert done.returncode == 2
    assert f"{file}:{number}: {name}={value}" in done.stderr
    assert meant in done.stderr
    place.nothing_new()


# --- what others have ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("owner", ["", "/home/other/ws"])
def test_the_run_is_somebody_elses(place: Place, owner: str) -> None:
    labels = {docker_engine.COMPOSE_PROJECT: "deepracer-0", docker_engine.COMPOSE_SERVICE: "rl_coach"}
    labels |= {docker_engine.WORKSPACE: owner} if owner else {}
    place.run("deepracer-0-rl_coach-1", "sleep 600", labels=labels)
    whose = owner or "another program"
    place.refused(f"The stack deepracer-0 on this machine belongs to {whose}", "DR_RUN_ID")
    assert place.engine.client.containers.get("deepracer-0-rl_coach-1").status == "running"


def test_the_store_is_somebody_elses(place: Place) -> None:
    place.run("s3-minio-1", "sleep 600", labels={docker_engine.COMPOSE_PROJECT: "s3"})
    local(place)
    place.refused("The stack s3 on this machine belongs to another program", "DR_CLOUD=remote")


def test_the_port_of_the_store_is_taken(place: Place) -> None:
    place.run("other", "sleep 600", ports={"9000/tcp": ("127.0.0.1", place.racer.port)})
    local(place)
    place.refused("MinIO did not start", "port is already allocated", "DR_STORE_PORT")


def test_the_image_of_the_store(place: Place) -> None:
    """None, and one that is no MinIO."""
    local(place)
    place.set(DR_MINIO_IMAGE="RELEASE.1999")
    place.refused("There is no image quay.io/minio/minio:RELEASE.1999", "docker pull")
    place.set(DR_MINIO_IMAGE=f"{standins.COMMUNITY}:crash")
    place.refused("minio", "exit code 3", "this is not the engine")


def local(place: Place) -> None:
    """The store is a MinIO in a container."""
    path = place.racer.workspace.system_env
    gone = ("DR_CLOUD", "DR_REMOTE", "DR_LOCAL_ACCESS", "DR_LOCAL_SECRET", "DR_LOCAL_S3_BUCKET")
    lines = [line for line in path.read_text().splitlines() if not line.startswith(gone)]
    path.write_text("\n".join([*lines, "DR_CLOUD=local", ""]))
    place.set(DR_MINIO_IMAGE=IMAGE)


# --- a start that fails halfway -----------------------------------------------------------------------------------


def mended(place: Place) -> None:
    """The next start works, without -w."""
    place.set(DR_SIMAPP_VERSION=standins.COMMUNITY_TAG)
    again = place.racer.dr(*BEGIN)
    assert again.returncode == 0, again.stderr
    assert place.racer.status()["state"] == "running"


def test_the_command_of_the_image_is_missing(place: Place) -> None:
    place.set(DR_SIMAPP_VERSION="no-command")
    done = place.refused("The stack deepracer-0 did not start: r", "/no/such", "DR_SIMAPP_VERSION")
    assert "Starting" not in done.stderr
    mended(place)


def test_a_container_crashes_at_once(place: Place) -> None:
    place.set(DR_SIMAPP_VERSION="crash", DR_WORKERS="2")
    place.refused("exit code 3", "this is not the engine", "dr logs")
    assert "this is not the engine" in place.racer.invoke("logs", "rl_coach").stdout
    assert place.racer.status()["state"] == "failed"
    mended(place)


@pytest.mark.parametrize("tag", list(BROKEN))
def test_a_task_crashes_at_once(swarm: Place, tag: str) -> None:
    swarm.set(DR_SIMAPP_VERSION=tag)
    said = (
        ["/no/such", "DR_SIMAPP_VERSION"]
        if tag == "no-command"
        else ["exit code 3", "this is not the engine"]
    )
    swarm.refused(*said)
    assert swarm.racer.status()["state"] == "failed"
    mended(swarm)


def test_a_published_port_of_the_swarm_is_taken(swarm: Place) -> None:
    swarm.run("other", "sleep 600", ports={"9/tcp": 8080})
    swarm.refused("robomaker", "The port is in use", "DR_RUN_ID")
    swarm.engine.client.containers.get("other").remove(force=True)
    mended(swarm)


def test_a_container_of_the_name_is_there(place: Place) -> None:
    """Somebody has given the name to a container without labels: nothing of it is touched."""
    place.run("deepracer-0-robomaker-1", "sleep 600")
    place.refused("The stack deepracer-0 did not start", "already in use", "DR_RUN_ID")
    assert place.engine.client.containers.get("deepracer-0-robomaker-1").status == "running"


# --- two at once --------------------------------------------------------------------------------------------------


def begun_twice(*racers: Racer) -> list[Done]:
    """All start at once; how each has ended."""
    started = [racer.popen(*BEGIN) for racer in racers]
    ended = [(one, *one.communicate(timeout=DEADLINE_S)) for one in started]
    return [Done(one.args, one.returncode, stdout, stderr) for one, stdout, stderr in ended]


def check_one_won(place: Place, ended: list[Done]) -> None:
    assert sorted(done.returncode for done in ended) == [0, 1], [done.stderr for done in ended]
    loser = next(done for done in ended if done.returncode)
    assert loser.stderr.startswith("error: ")
    assert "hint: " in loser.stderr
    names = sorted(c.name for c in place.engine.client.containers.list(all=True))
    assert [name for name in names if "algo" not in name] == [
        "deepracer-0-rl_coach-1",
        "deepracer-0-robomaker-1",
    ]
    assert len(names) == 3
    assert place.engine.client.volumes.list() == []
    assert place.bucket.exists("model/training_params.yaml")


def test_one_workspace_starts_twice(place: Place) -> None:
    check_one_won(place, begun_twice(place.racer, place.racer))


def test_two_workspaces_start_the_same_run(place: Place, new_racer: Callable[[], Racer]) -> None:
    """Of one user or two, with one bucket: the one that has lost takes nothing of the other one's away."""
    other = new_racer()
    for name in ("system.env", "run.env"):
        shutil.copy(place.racer.root / name, other.root / name)
    try:
        ended = begun_twice(place.racer, other)
        check_one_won(place, ended)
        loser = (place.racer, other)[ended[0].returncode == 0]
        again = loser.dr(*BEGIN)
        assert again.returncode == 1
        stopped = loser.invoke("stop-training")  # not theirs to stop
        assert "No training" in stopped.stdout
        assert len(place.engine.client.containers.list()) == 3
    finally:
        other.dr("stop-all", "-y")
