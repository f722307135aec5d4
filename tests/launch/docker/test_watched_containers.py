"""A real training in Compose: live pictures of each worker, and everything that its reward function prints."""

from __future__ import annotations

import io
import json
import os
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from http.client import HTTPConnection, HTTPResponse
from itertools import islice
from typing import Any

import numpy as np
import pytest
from live_worker import pictures, states
from PIL import Image
from racing import ENDLESS, QUICK, Racer

from drcli.launch.camera_address import CameraAddress
from drcli.launch.docker import containers
from drcli.launch.launcher import launcher_of
from drcli.launch.run_folder import RunFolder

Until = Callable[..., Any]
pytestmark = [pytest.mark.docker, pytest.mark.slow]
TOPIC = "topic=/racecar/deepracer/kvs_stream&quality=50&width=400&height=300"
PRINTING = """
import secrets
from itertools import count

car, numbers = secrets.token_hex(8), count()  # each car has its own module


def reward_function(params):
    for _ in range(20):
        print("printed", car, next(numbers))
    return 1.0
"""


@pytest.fixture(scope="module")
def occupied() -> Iterator[int]:
    """The first port of pictures, on which a program outside of containers listens."""
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with suppress(OSError):  # then there is such a program
            other.bind(("127.0.0.1", 8080))
            other.listen()
        yield 8080


@pytest.fixture(scope="module")
def racer(
    occupied: int, simapp_image: str, minio_image: str, new_racer: Callable[[], Racer]
) -> Iterator[Racer]:
    """One whose endless training of two workers runs in Compose; the reward function prints a lot."""
    found = new_racer()
    settings = {"DR_WORKERS": "2", "DR_RUN_ID": "43", "DR_DOCKER_STYLE": "compose"}
    settings |= {"DR_SIMAPP_VERSION": "test", "DR_MINIO_IMAGE": minio_image}
    found.write_run_env(**QUICK | settings)
    found.write_hyperparameters(ENDLESS)
    (found.workspace.custom_files / "reward_function.py").write_text(PRINTING)
    try:
        started = found.dr("start-training", "-q")
        assert started.returncode == 0, started.stderr
        yield found
    finally:
        found.dr("stop-all", "-y")


def cameras(racer: Racer, run_id: int = 43, kind: Any = "training") -> tuple[CameraAddress, ...]:
    return launcher_of("compose").cameras(RunFolder.of(racer.workspace, kind, run_id))


@contextmanager
def get(url: str, path: str) -> Iterator[HTTPResponse]:
    with closing(HTTPConnection(url.removeprefix("http://"), timeout=120)) as connection:
        connection.request("GET", path)
        with closing(connection.getresponse()) as response:
            yield response


def shows(url: str) -> bool:
    """Whether a picture has arrived that is of a drive, and not a few words on a dark ground."""
    try:
        with get(url, f"/snapshot?{TOPIC}") as response:
            assert response.status == 200
            picture = Image.open(io.BytesIO(response.read()))
    except ConnectionError:  # Docker accepts connections before the worker does
        return False
    assert picture.size == (400, 300)
    colours = np.asarray(picture.convert("RGB"), int)
    return bool((np.ptp(colours, axis=-1) > 50).mean() > 0.05)


def test_each_worker_has_a_port_of_this_machine_only(racer: Racer, occupied: int) -> None:
    found = cameras(racer)
    assert [camera.name for camera in found] == ["robomaker-1", "robomaker-2"]
    ports = {int(camera.url.rpartition(":")[2]) for camera in found}
    assert len(ports) == 2 and occupied not in ports and min(ports) > 8080
    for container in containers.of_project("deepracer-43"):
        published = [one for all_of in container.ports.values() for one in all_of or ()]
        assert {one["HostIp"] for one in published} <= {"127.0.0.1"}


def test_pictures_and_figures_of_each_worker(racer: Racer, until: Until) -> None:
    for number, camera in enumerate(cameras(racer)):
        until(lambda camera=camera: shows(camera.url))
        with get(camera.url, f"/stream?{TOPIC}") as moving:
            assert len(set(islice(pictures(moving), 8))) > 1
        with get(camera.url, "/live") as live:
            state = next(states(live))
        assert (state["worker"], state["world_name"]) == (number, "tiny")


def test_the_viewer_shows_them(racer: Racer, free_port: int) -> None:
    started = racer.dr("start-viewer", "-p", str(free_port))
    assert started.returncode == 0, started.stderr
    try:
        seen: set[tuple[int, str, str]] = set()
        with get(f"http://127.0.0.1:{free_port}", "/pictures?model=model&view=race&width=160") as frames:
            while len(seen) < 2:
                head = json.loads(frames.readline())
                assert frames.read(head["size"]).startswith(b"\xff\xd8")  # a JPEG
                seen.add((head["run_id"], head["kind"], head["camera"]))
        assert seen == {(43, "training", "robomaker-1"), (43, "training", "robomaker-2")}
    finally:
        racer.dr("stop-viewer")


def test_the_painter_is_compiled_in_the_image(racer: Racer) -> None:
    """So that the first picture takes no half minute, in each new container."""
    for container in containers.of_project("deepracer-43"):
        if containers.service_of(container) == "robomaker":
            changed = [change["Path"] for change in container.diff() or ()]
            assert not [path for path in changed if "/painting_kernels." in path]


def test_a_second_run_has_ports_of_its_own(racer: Racer, until: Until) -> None:
    second = ("--set", "DR_RUN_ID=44", "--set", "DR_LOCAL_S3_MODEL_PREFIX=other", "--set", "DR_WORKERS=1")
    started = racer.dr("start-training", "-q", *second)
    try:
        assert started.returncode == 0, started.stderr
        (own,) = cameras(racer, 44)
        assert own.url not in {camera.url for camera in cameras(racer)}
        until(lambda: shows(own.url))
    finally:
        racer.dr("stop-training", *second)


def is_evaluating(racer: Racer) -> bool:
    return RunFolder.of(racer.workspace, "evaluation", 43).exists


def test_an_evaluation_has_a_port_from_8180_on(racer: Racer, until: Until) -> None:
    until(lambda: (racer.status()["last_checkpoint"] or "0_").partition("_")[0] != "0")
    many = ("--set", "DR_EVAL_NUMBER_OF_TRIALS=500", "--set", "DR_EVAL_MAX_RESETS=50")
    evaluating = racer.popen("evaluate", "--checkpoint", "last", *many)
    try:
        (camera,) = until(lambda: is_evaluating(racer) and cameras(racer, kind="evaluation"))
        assert camera.name == "robomaker-1"
        assert 8180 <= int(camera.url.rpartition(":")[2]) < 8280
    finally:
        racer.dr("stop-evaluation")
        evaluating.communicate(timeout=120)


def test_scaling_finds_more_ports(racer: Racer) -> None:
    assert racer.invoke("scale", "4").exit_code == 0
    urls = {camera.url for camera in cameras(racer)}
    assert len(urls) == 4
    assert racer.invoke("scale", "2").exit_code == 0
    assert len(cameras(racer)) == 2


def printed(lines: list[str]) -> dict[str, list[int]]:
    """What each car of a worker has printed."""
    numbers: dict[str, list[int]] = {}
    for line in lines:
        if found := re.fullmatch(r"printed (\w+) (\d+)", line):
            numbers.setdefault(found[1], []).append(int(found[2]))
    return numbers


def test_all_that_is_printed_is_kept(racer: Racer, until: Until) -> None:
    """The last of the module: during the run and after it."""
    for number in ("1", "2"):
        words = ("logs", "robomaker", "-n", number, "--rewards", "--tail", "0")
        until(lambda words=words: len(racer.invoke(*words).stdout.splitlines()) > 2000)
    assert racer.dr("stop-training").returncode == 0
    for number in ("1", "2"):
        path = RunFolder.of(racer.workspace, "training", 43).reward_log(f"robomaker-{number}")
        assert path.stat().st_uid in (os.getuid(), 1000)
        lines = racer.invoke(
            "logs", "robomaker", "-n", number, "--rewards", "--tail", "0"
        ).stdout.splitlines()
        by_car = printed(lines)
        assert by_car and all(found == list(range(len(found))) for found in by_car.values())
        limited = printed(racer.invoke("logs", "robomaker", "-n", number, "--tail", "0").stdout.splitlines())
        assert sum(map(len, limited.values())) < sum(map(len, by_car.values()))
    assert json.loads(racer.invoke("status", "--json").stdout)["state"] == "ended"
