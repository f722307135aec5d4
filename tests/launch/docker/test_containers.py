from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from drcli.launch.docker import containers, docker_engine

pytestmark = pytest.mark.docker


def test_one_that_is_just_being_removed_is_no_error(base_image: str) -> None:
    """While others follow its log, two remove it: Docker refuses some of them, with 409."""
    for _ in range(10):
        container = docker_engine.client().containers.run(base_image, ["echo", "line"], detach=True)
        container.wait()
        with ThreadPoolExecutor(6) as pool:
            followers = [pool.submit(follow, container) for _ in range(4)]
            for done in [pool.submit(containers.remove, [container]) for _ in range(2)]:
                done.result()
            assert all(set(follower.result()) <= {"line"} for follower in followers)


def follow(container: Any) -> list[str]:
    return list(containers.lines(container, goes_on=lambda: True))
