"""From what Docker and the services say to what helps; lines of a stream of bytes; who may start a project."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from drcli.errors import DrError
from drcli.launch.docker import diagnosis, docker_engine
from drcli.launch.docker.claim import check_owner, claimed
from drcli.launch.docker.containers import decode


# As Docker 20.10 to 28 and the engines say it.
@pytest.mark.parametrize(
    ("said", "fix"),
    [
        ("Error response from daemon: No such image: drcli/simapp:nope", "dr images build"),
        ("pull access denied for x/y, repository does not exist", "docker pull"),
        ("Bind for 127.0.0.1:9000 failed: port is already allocated", "DR_STORE_PORT"),
        ("listen tcp4 0.0.0.0:8080: bind: address already in use", "dr doctor"),
        ("no suitable node (host-mode port already in use on 1 node)", "DR_RUN_ID"),
        ("no suitable node (scheduling constraints not satisfied on 2 nodes)", "dr swarm label"),
        ('could not select device driver "nvidia" with capabilities: [[gpu]]', "nvidia-container-toolkit"),
        ("write /data/x: no space left on device", "docker system df"),
        ('Could not connect to the endpoint URL: "http://minio:9000/bucket"', "dr store status"),
        ('Conflict. The container name "/x" is already in use by container "ab12"', "DR_RUN_ID"),
        ("something that nobody has seen", "dr doctor"),
    ],
)
def test_the_likely_fix(said: str, fix: str) -> None:
    assert fix in diagnosis.explain(said)


def test_words_that_only_look_like_memory() -> None:
    assert "memory" in diagnosis.explain("Killed process 12 (python) out of memory")
    for said in ("the zoom of the camera", "in the same room", "a boom of the race"):
        assert "memory" not in diagnosis.explain(said)


def test_why_a_service_is_down() -> None:
    """Which, its exit code, the last lines, what to do."""
    error = diagnosis.why_dead("robomaker-2", 3, [f"line {n}" for n in range(9)])
    assert error.message.splitlines() == [
        "robomaker-2 ended with exit code 3:",
        *(f"  line {n}" for n in range(4, 9)),
    ]
    assert "`dr logs robomaker -n 2`" in error.hint
    assert diagnosis.why_dead("sagemaker", 1, []).message == "sagemaker ended with exit code 1."
    oom = diagnosis.why_dead("sagemaker", 137, ["..."], oom=True)
    assert "ran out of memory" in oom.message
    assert "DR_CARS_PER_WORKER" in oom.hint


def test_why_compose_failed() -> None:
    """Not what it was about to do."""
    said = (
        " Container deepracer-0-rl_coach-1  Creating\n Network x  Created\n Container a-1  Error\nError: no\n"
    )
    assert diagnosis.reason(said) == "Error: no"
    assert diagnosis.reason("Creating service deepracer-0_rl_coach\nfailed to create\n") == (
        "Creating service deepracer-0_rl_coach\nfailed to create"
    )
    assert diagnosis.reason("") == "Docker gives no reason."


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_lines_of_a_stream_that_is_cut_anywhere(size: int) -> None:
    data = "première\r\n\nläuft 🏎\nohne Ende".encode()
    chunks = [data[i : i + size] for i in range(0, len(data), size)]
    assert list(decode(chunks)) == ["première", "", "läuft 🏎", "ohne Ende"]
    assert list(decode([])) == []
    assert list(decode([b"\xff\n"])) == ["\N{REPLACEMENT CHARACTER}"]


@pytest.fixture
def project(request: pytest.FixtureRequest) -> Iterator[str]:
    name = f"drcli-claim-{abs(hash(request.node.name)) % 10**8}"
    yield name
    for volume in docker_engine.client().volumes.list(filters={"name": name}):
        volume.remove(force=True)


@pytest.mark.docker
def test_one_has_the_claim(project: str) -> None:
    def volumes() -> list[Any]:
        return docker_engine.client().volumes.list(filters={"name": project})

    with claimed(project):
        with pytest.raises(DrError, match="already being started by another command"), claimed(project):
            pass
        assert len(volumes()) == 1  # the one that lost takes nothing away
    assert volumes() == []
    with pytest.raises(ZeroDivisionError), claimed(project):
        raise ZeroDivisionError
    assert volumes() == []


@pytest.mark.docker
def test_of_many_at_once_one_has_it(project: str, until: Callable[..., Any]) -> None:
    inside, lost = [], []

    def begin(number: int) -> None:
        try:
            with claimed(project):
                inside.append(number)
                until(lambda: len(lost) == 7)
        except DrError:
            lost.append(number)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(begin, range(8)))
    assert (len(inside), len(lost)) == (1, 7)


class Labelled:
    """A container, or what is left of one."""

    def __init__(self, **labels: str) -> None:
        self.labels = labels


def test_whose_a_project_is() -> None:
    ours = Labelled(**{docker_engine.WORKSPACE: "/ws"})
    theirs = Labelled(**{docker_engine.COMPOSE_PROJECT: "deepracer-0"})
    check_owner("deepracer-0", [], Path("/ws"))
    check_owner("deepracer-0", [ours], Path("/ws"))
    with pytest.raises(DrError, match="belongs to another program"):
        check_owner("deepracer-0", [ours, theirs], Path("/ws"))
    with pytest.raises(DrError, match="belongs to /ws"):
        check_owner("deepracer-0", [ours], Path("/ws2"))
