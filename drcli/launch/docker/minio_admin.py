"""The administration of one MinIO server, through MinIO's own package: is it well, and a key for each run.

Knows an address and the root's key, and nothing of Docker: `drcli.launch.docker.minio` finds both. A key of a run may
touch one bucket and nothing else, so no container holds the root's.
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
# What a run does to its bucket, and to the objects in it.
_BUCKET_ACTIONS = ("s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads")
_OBJECT_ACTIONS = (
    "s3:GetObject",
    "s3:PutObject",
    "s3:DeleteObject",
    "s3:AbortMultipartUpload",
    "s3:ListMultipartUploadParts",
)


class NotGranted(DrError):
    """The server refuses to be administered by us: it is another's, or of another make."""


@dataclass(frozen=True)
class MinioHealth:
    """How a server is: whether it is online, its drives that are not well, the space on all of them."""

    is_online: bool
    faulty_drives: tuple[str, ...]
    free_bytes: int
    total_bytes: int

    @property
    def is_well(self) -> bool:
        """Whether nothing is wrong."""
        return self.is_online and not self.faulty_drives


@dataclass(frozen=True)
class AccountKey:
    """The key of a service account."""

    access_key: str
    secret_key: str


class MinioServer:
    """A server as its root sees it. All calls raise NotGranted, or DrError when it does not respond."""

    def __init__(self, url: str, access_key: str, secret_key: str) -> None:
        self._url = urlsplit(url)
        self._access_key = access_key
        self._secret_key = secret_key

    def health(self) -> MinioHealth:
        """How it is now."""
        health: MinioHealth = self._ask(lambda admin: _health(json.loads(admin.info())))
        return health

    def accounts(self) -> tuple[str, ...]:
        """The access keys of all service accounts that were made with this root's key."""
        names: tuple[str, ...] = self._ask(
            lambda admin: tuple(
                account["accessKey"]
                for account in json.loads(admin.list_service_account(self._access_key)).get("accounts") or ()
            )
        )
        return names

    def make_account(self, name: str, bucket: str) -> AccountKey:
        """A service account with the access key `name` for one bucket alone, in place of an older one of that name."""
        self.remove_account(name)
        secret_key = secrets.token_hex(20)
        self._ask(
            lambda admin: admin.add_service_account(
                access_key=name, secret_key=secret_key, name=name, policy=policy_of(bucket)
            )
        )
        return AccountKey(name, secret_key)

    def remove_account(self, name: str) -> bool:
        """Remove a service account; False when there is none that we may remove."""
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
        """What the package raises as a DrError; its own texts may quote whole answers, so they are not passed on."""
        from minio.error import MinioAdminException
        from urllib3.exceptions import HTTPError

        where = f"{self._url.scheme}://{self._url.netloc}"
        try:
            yield
        except MinioAdminException as error:
            reason = f"{where} does not let us administer it ({_reason(error)})."
            raise NotGranted(reason, "It has to be MinIO, and the key that of its root.") from None
        except HTTPError as error:
            raise DrError(f"MinIO at {where} does not respond: {type(error).__name__}.") from None
        except (
            ValueError,
            LookupError,
            TypeError,
            AttributeError,
            OSError,
        ):  # no JSON, or not encrypted for us
            raise NotGranted(f"What answers at {where} is not MinIO's administration.") from None


def policy_of(bucket: str) -> dict[str, Any]:
    """What a run may do: everything that it needs in one bucket, and nothing outside of it. Pure."""
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
