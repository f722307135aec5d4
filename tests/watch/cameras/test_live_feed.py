"""Live pictures over real HTTP: old addresses, several clients, and a worker that no viewer can disturb."""

from __future__ import annotations

import io
import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import islice

import psutil
import pytest
from live_worker import OLD, DrivingWorker, pictures, states
from PIL import Image
from polling import until

from drcli.launch.camera_address import read_port
from drcli.services.observers.observer import ObservedRun
from drcli.watch.cameras.live_feed import LiveFeed
from drcli.watch.cameras.topics import TOPICS

Start = Callable[..., DrivingWorker]
pytestmark = pytest.mark.slow  # the server imports a web server and kernels


def commands_of_children() -> Iterator[list[str]]:
    for child in psutil.Process().children():
        with suppress(psutil.Error):  # it has just ended
            yield child.cmdline()


def test_without_a_viewer_there_is_no_server_and_nothing_is_sent(start: Start) -> None:
    worker = start()
    worker.goes_on()
    assert worker.feed.starter is not None
    assert worker.feed.starter.server_pid is None
    assert not any("drcli.watch.cameras.camera_server" in line for line in commands_of_children())


def test_two_clients_see_pictures_that_change_at_the_old_address(start: Start) -> None:
    worker = start()
    first, second = worker.get(OLD), worker.get(OLD)
    assert first.headers["Content-Type"].startswith("multipart/x-mixed-replace;boundary=")
    for response in (first, second):
        seen = list(islice(pictures(response), 6))
        assert {Image.open(io.BytesIO(data)).size for data in seen} == {(400, 300)}
        assert len(set(seen)) > 1
    assert worker.feed.starter is not None
    pid = worker.feed.starter.server_pid
    assert pid
    until(lambda: psutil.Process(pid).nice() == 19)  # once it is prepared


def test_every_topic_has_a_picture_and_a_page(start: Start) -> None:
    worker = start()
    index = worker.get("/").read().decode()
    for topic in TOPICS:
        shown = worker.get(f"/snapshot?topic={topic}&width=200&height=150")
        assert shown.status == 200
        assert shown.headers["Content-Type"] == "image/jpeg"
        assert Image.open(io.BytesIO(shown.read())).size == (200, 150)
        page = worker.get(f"/stream_viewer?topic={topic}&quality=10&width=400&height=300").read().decode()
        assert (
            f"/stream?topic={topic.replace('/', '%2F')}&amp;quality=10&amp;width=400&amp;height=300" in page
        )
        assert topic in index


def test_what_is_asked_wrongly_is_explained_and_foreign_names_are_turned_away(start: Start) -> None:
    worker = start()
    unknown = worker.get("/snapshot?topic=/rosout")
    assert unknown.status == 404
    assert "/racecar/deepracer/kvs_stream" in unknown.read().decode()
    assert worker.get("/stream?topic=/sub_camera/zed/rgb/image_rect_color&width=wide").status == 400
    assert worker.get("/", Host="evil.example.com").status == 421
    plain = worker.get("/", Origin="https://example.com")
    assert plain.headers["Access-Control-Allow-Origin"] is None
    assert plain.headers["X-Frame-Options"] == "DENY"
    viewer = worker.get("/", Origin="http://localhost:8100")
    assert viewer.headers["Access-Control-Allow-Origin"] == "http://localhost:8100"


def test_live_events_tell_what_happens(start: Start) -> None:
    worker = start()
    response = worker.get("/live")
    assert response.headers["Content-Type"].startswith("text/event-stream")
    seen = list(islice(states(response), 4))
    assert [state["world_name"] for state in seen] == ["drcli_oval"] * 4
    assert seen[-1]["at"] > seen[0]["at"]
    assert {(car["name"], car["color"]) for car in seen[0]["cars"]} == {("Lightning", "Blue")}
    assert seen[0]["probabilities"] is None  # there is no checkpoint yet
    assert seen[0]["action"] == "1"


def test_a_client_that_reads_nothing_holds_up_neither_the_worker_nor_others(start: Start) -> None:
    worker = start()
    with socket.create_connection(("127.0.0.1", worker.port)) as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.sendall(
            b"GET /stream?topic=/sub_camera/zed/rgb/image_rect_color HTTP/1.1\r\nHost: localhost\r\n\r\n"
        )
        assert len(set(islice(pictures(worker.get(OLD)), 10))) > 1
        worker.goes_on()


def test_the_worker_survives_its_camera_server_which_comes_back(start: Start) -> None:
    worker = start()
    worker.get("/").read()
    assert worker.feed.starter is not None
    pid = worker.feed.starter.server_pid
    assert pid
    os.kill(pid, signal.SIGKILL)
    worker.goes_on()
    until(lambda: worker.feed.starter and worker.feed.starter.server_pid != pid)
    assert len(set(islice(pictures(worker.get(OLD)), 4))) > 1
    assert worker.feed.starter.server_pid != pid


def test_a_taken_port_is_no_error_and_the_found_one_is_recorded(start: Start, tmp_path: object) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        worker = start(port=taken)
        assert worker.port != taken
        file = worker.feed.run.environment.camera_file
        assert file is not None
        assert read_port(file) == worker.port
        assert worker.get("/").status == 200


def test_a_worker_that_is_started_again_has_its_port_again(
    start: Start, observed: Callable[..., ObservedRun]
) -> None:
    worker = start()
    port = worker.port
    worker.close()
    again = start(port=port - 1)
    assert again.port == port


def test_no_cameras_if_they_are_switched_off(observed: Callable[..., ObservedRun]) -> None:
    assert LiveFeed(observed(0)).starter is None


def test_an_idle_worker_is_shown_as_it_was(start: Start) -> None:
    worker = start()
    next(pictures(worker.get(OLD)))
    worker.pause.set()
    stays = list(islice(pictures(worker.get(OLD)), 3))
    assert stays[-1] == stays[-2]
