"""A further engine that drcli takes for the real one, and racers whose bucket is on a server of their own: whole runs
of stand-in images, which disturb nobody's containers and need no MinIO.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import count

import pytest
import standins
from racing import Racer
from second_node import FurtherEngine, further_engine, why_not

from drcli.launch.docker import docker_engine, swarm_mode
from drcli.store.client import Bucket
from drcli.store.store_config import StoreConfig

COMMUNITY = {"DR_SIMAPP_SOURCE": standins.COMMUNITY, "DR_SIMAPP_VERSION": standins.COMMUNITY_TAG}
_buckets = count(1)


@contextmanager
def separate_engine(number: int, *images: str, is_swarm: bool = False) -> Iterator[FurtherEngine]:
    """An engine with these images, for a module; skips where there can be none."""
    if reason := why_not():
        pytest.skip(reason)
    with further_engine(number) as made, pytest.MonkeyPatch.context() as patch:
        for image in images:
            made.load(image)
        patch.setenv("DOCKER_HOST", made.host)
        docker_engine.client.cache_clear()
        try:
            if is_swarm:
                swarm_mode.init(made.address)
            yield made
        finally:
            docker_engine.client().close()
            docker_engine.client.cache_clear()


def separate_racer(
    new_racer: Callable[[], Racer], store: StoreConfig, **settings: str
) -> tuple[Racer, Bucket]:
    """A racer whose bucket is on the tests' own S3 server, with the community's engine; and the bucket."""
    bucket = Bucket(replace(store, bucket=f"apart-{next(_buckets)}"))
    bucket.ensure_bucket()
    racer = new_racer()
    assert store.access_key and store.secret_key
    with racer.workspace.system_env.open("a") as file:
        file.write(
            f"DR_CLOUD=remote\nDR_REMOTE_MINIO_URL={store.endpoint_url}\n"
            f"DR_LOCAL_S3_BUCKET={bucket.config.bucket}\n"
            f"DR_LOCAL_ACCESS_KEY_ID={store.access_key}\nDR_LOCAL_SECRET_ACCESS_KEY={store.secret_key}\n"
        )
    racer.write_run_env(**COMMUNITY | {"DR_WORLD_NAME": "reinvent_base"} | settings)
    return racer, bucket
