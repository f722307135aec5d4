"""The disk of the store is full for a while: what is to be written waits, and nothing is lost."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from racing import ENDLESS, QUICK, Racer
from run_accounts import check_accounts

from drcli.config.load import load_settings
from drcli.launch.store_access import store_config
from drcli.store.client import Bucket

pytestmark = pytest.mark.docker
Until = Callable[..., Any]


@pytest.fixture
def small_disk(new_racer: Callable[[], Racer]) -> Iterator[tuple[Racer, Path]]:
    """A racer whose store is on a disk of its own, with room for a checkpoint or two."""
    racer = new_racer()
    store = racer.workspace.store
    store.mkdir(parents=True)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=800m", "none", store], check=False).returncode:
        pytest.skip("a file system cannot be mounted here")
    yield racer, store
    racer.dr("stop-all", "-y")
    subprocess.run(["umount", "-l", store], check=True)


def test_the_disk_of_the_store_is_full(
    small_disk: tuple[Racer, Path], simapp_image: str, minio_image: str, until: Until
) -> None:
    racer, store = small_disk
    settings = {"DR_WORLD_NAME": "drcli_oval", "DR_RUN_ID": "53", "DR_SIMAPP_VERSION": "test"}
    settings |= {
        "DR_MINIO_IMAGE": minio_image,
        "DR_DOCKER_STYLE": "compose",
        "DR_LOCAL_S3_MODEL_PREFIX": "model",
    }
    racer.write_run_env(**QUICK | settings)
    racer.write_hyperparameters(ENDLESS)
    started = racer.dr("start-training", "-q")
    assert started.returncode == 0, started.stderr
    filler = store / "filler"
    with suppress(OSError), filler.open("wb", buffering=0) as file:
        while file.write(bytes(1 << 20)):
            pass
    until(lambda: "could not be written" in racer.invoke("logs", "sagemaker", "--tail", "20").stdout)
    filler.unlink()
    seen = racer.status()
    until(lambda: racer.status()["iteration"] > seen["iteration"])
    assert racer.invoke("stop-training").exit_code == 0
    check_accounts(Bucket(store_config(load_settings(racer.workspace, ()), racer.workspace)))
