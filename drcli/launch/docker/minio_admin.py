"""Administers one MinIO server with MinIO's own package: health, and one key per run.

Needs the server's address and root key, and knows nothing of Docker. A run's key only gives access to one bucket, so
that no container has the root key.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from drcli.errors import DrError

if TYPE_CHECKING:
    from minio import MinioAdmin
    from minio.error import MinioAdminException

_TIMEOUT_S = 5.0
# What a run does with its bucket and the objects in it.
_BUCKET_ACTIONS = ("s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads")
_OBJECT_ACTIONS = (
    "s3:GetObject",
    "s3:PutObject",
    "s3:DeleteObject",
    "s3:AbortMultipartUpload",
    "s3:ListMultipartUploadParts",
)


class NotGranted(DrError):
    """The server does not let us administer it: the key is not its root's, or it is not MinIO."""


@dataclass(frozen=True)
class MinioHealth:
    """The state of a server: whether it is online, its faulty drives, the space on all drives."""

    is_online: bool
    faulty_drives: tuple[str, ...]
    free_bytes: int
    total_bytes: int

    @property
    def is_well(self) -> bool:
        """Whether it is online without faulty drives."""
        return self.is_online and not self.faulty_drives


@dataclass(frozen=True)
class AccountKey:
    """The key of a service account."""

    access_key: str
    secret_key: str


class MinioServer:
    """A server and its root key. All calls raise NotGranted, or DrError if the server does not respond."""

    def __init__(self, url: str, access_key: str, secret_key: str) -> None:
        self._url = urlsplit(url)
        self._access_key = access_key
        self._secret_key = secret_key

    def health(self) -> MinioHealth:
        """The current state."""
        health: MinioHealth = self._ask(lambda admin: _health(json.loads(admin.info())))
        return health

    def accounts(self) -> tuple[str, ...]:
        """The access keys of all service accounts created with this root key."""
        names: tuple[str, ...] = self._ask(
            lambda admin: tuple(
                account["accessKey"]
                for account in json.loads(admin.list_service_account(self._access_key)).get("accounts") or ()
            )
        )
        return names

    def make_account(self, name: str, bucket: str) -> AccountKey:
        """Create a service account with the access key `name` for one bucket; replaces an older one of that name."""
        self.remove_account(name)
        secret_key = secrets.token_hex(20)
        self._ask(
            lambda admin: admin.add_service_account(
                access_key=name, secret_key=secret_key, name=name, policy=policy_of(bucket)
            )
        )
        return AccountKey(name, secret_key)

    def remove_account(self, name: str) -> bool:
        """Remove a service account; False if there is none that we may remove."""
        try:
            self._ask(lambda admin: admin.delete_service_account(name))
        except NotGranted:
            return False
        return True

    def _ask(self, question: Callable[[MinioAdmin], Any]) -> Any:
        with self._explained():
            return question(self._admin)

    @cached_property
    def _admin(self) -> MinioAdmin:
        from minio import MinioAdmin
        from minio.credentials.providers import StaticProvider
        from urllib3 import PoolManager, Retry, Timeout

        return MinioAdmin(
            endpoint=self._url.netloc,
            credentials=StaticProvider(self._access_key, self._secret_key),
            secure=self._url.scheme == "https",
            http_client=PoolManager(timeout=Timeout(_TIMEOUT_S), retries=Retry(total=1, redirect=0)),
        )

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Convert the package's exceptions to DrError; their texts may quote whole responses, so they are not used."""
        from minio.error import MinioAdminException
        from urllib3.exceptions import HTTPError

        where = f"{self._url.scheme}://{self._url.netloc}"
        try:
            yield
        except MinioAdminException as error:
            reason = f"{where} does not let us administer it ({_reason(error)})."
            raise NotGranted(reason, "It must be a MinIO server, and the key must be its root key.") from None
        except HTTPError as error:
            raise DrError(f"MinIO at {where} does not respond: {type(error).__name__}.") from None
        except (
            ValueError,
            LookupError,
            TypeError,
            AttributeError,
            OSError,
        ):  # not JSON, or not encrypted with our key
            raise NotGranted(f"The server at {where} is not MinIO.") from None


def policy_of(bucket: str) -> dict[str, Any]:
    """The policy of a run: everything it needs in one bucket, and nothing else. Pure."""
    resource = f"arn:aws:s3:::{bucket}"
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": list(_BUCKET_ACTIONS), "Resource": [resource]},
            {"Effect": "Allow", "Action": list(_OBJECT_ACTIONS), "Resource": [f"{resource}/*"]},
        ],
    }


def _health(document: dict[str, Any]) -> MinioHealth:
    """Of what MinIO's `info` answers. Older releases say disks for drives."""
    servers = document.get("servers") or ()
    drives = [drive for server in servers for drive in server.get("drives") or server.get("disks") or ()]
    return MinioHealth(
        is_online=document["mode"] == "online",
        faulty_drives=tuple(str(drive.get("path", "?")) for drive in drives if drive.get("state") != "ok"),
        free_bytes=sum(int(drive.get("availspace", 0)) for drive in drives),
        total_bytes=sum(int(drive.get("totalspace", 0)) for drive in drives),
    )


def _reason(error: MinioAdminException) -> str:
    """HTTP status and MinIO's code of an answer, such as `403 AccessDenied`."""
    try:
        code = json.loads(error._body).get("Code", "")
    except (ValueError, AttributeError):
        code = ""
    return f"{error._code} {code}".strip()
