"""What log analysis is, wherever it runs: a server of notebooks that is started, found again, and stopped."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Protocol

from drcli import env
from drcli.config.settings import Settings
from drcli.launch.analysis.analysis_environment import Talk
from drcli.launch.analysis.analysis_folder import NOTEBOOK
from drcli.launch.store_access import services_endpoint
from drcli.store.credentials import credentials
from drcli.store.store_config import StoreConfig

PORT = 8888  # as DeepRacer-for-Cloud
HOST = "127.0.0.1"
NAME = "Log analysis"


class Address(NamedTuple):
    """Where the notebooks are; url: with the token. is_new: the server was started just now."""

    url: str
    is_new: bool


class NotebookServer(Protocol):
    """One per workspace, or per machine."""

    def start(self, port: int | None, talk: Talk) -> Address:
        """Start it unless it is running. Raises DrError if it does not start, or runs at another port."""

    def url(self) -> str:
        """Its address with the token; empty if it is not running."""

    def stop(self) -> bool:
        """Stop it; False if it was not running."""

    def log(self, tail: int, *, follow: bool) -> Iterator[str]:
        """The last `tail` lines of its log (0: all); with `follow`, also new ones."""


def url(port: int, token: str, folder: str = "") -> str:
    """The address of the first notebook; folder: where it is, seen from the server's own."""
    return f"http://{HOST}:{port}/lab/tree/{folder}{NOTEBOOK}?token={token}"


def bucket_variables(settings: Settings, config: StoreConfig, *, in_container: bool) -> dict[str, str]:
    """What boto3 and our notebook need in order to find bucket and model; contains secrets."""
    endpoint = services_endpoint(settings, config) if in_container else config.endpoint_url
    return {
        **({env.AWS_ENDPOINT_URL_S3: endpoint} if endpoint else {}),
        **(credentials(config) or {}),
        env.AWS_DEFAULT_REGION: config.region,
        "DR_LOCAL_S3_BUCKET": config.bucket,
        "DR_LOCAL_S3_MODEL_PREFIX": settings.local_s3_model_prefix,
        "DR_WORLD_NAME": settings.world_names[0],
    }
