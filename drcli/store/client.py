"""The bucket: one S3 code path for the embedded server, MinIO and AWS (boto3, imported on first use).

Every failure is a `DrError` that names the endpoint, the bucket and the key. `drcli.contract.keys` defines the keys,
`drcli.launch.store_access` derives the configuration from the settings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from drcli.errors import DrError
from drcli.store.faults import error_code, explain, is_missing_key
from drcli.store.store_config import StoreConfig, connect
from drcli.store.torn_reads import read_whole

_MULTIPART_BYTES = 64 << 20  # below this, one PUT: atomic and cheapest; a checkpoint has 25 to 50 MB
_DELETE_AT_ONCE = 1000  # the limit of S3's DeleteObjects
_PROBE_KEY = "drcli-probe"

_Answer = TypeVar("_Answer")
Progress = Callable[[int], None]  # called with the bytes moved since the last call


@dataclass(frozen=True)
class ObjectInfo:
    """One object of a listing."""

    key: str
    size_bytes: int
    last_modified: datetime


class Bucket:
    """One bucket. Thread-safe."""

    def __init__(self, config: StoreConfig) -> None:
        self.config = config

    @property
    def _client(self) -> Any:
        try:
            return connect(replace(self.config, bucket=""))
        except ValueError as error:
            raise DrError(f"The {self.config.place} has no valid address: {error}.") from error

    @property
    def address(self) -> str:
        """The server's address; not always AWS, as an AWS profile may set another `endpoint_url`."""
        address: str = self._client.meta.endpoint_url
        return address

    @property
    def is_aws(self) -> bool:
        """Whether the server is AWS's own S3."""
        return (urlsplit(self.address).hostname or "").endswith((".amazonaws.com", ".amazonaws.com.cn"))

    @contextmanager
    def _explained(self, key: str = "") -> Iterator[None]:
        """Turn exceptions of boto3 into a `DrError`; others pass unchanged."""
        from boto3.exceptions import Boto3Error
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            yield
        except (BotoCoreError, ClientError, Boto3Error) as error:
            raise explain(error, self.config.place, self.config.who, key) from error
        except OSError as error:  # the local file of a transfer
            raise DrError(f"{error.filename or key}: {error.strerror}.") from error

    def find(self, key: str) -> bytes | None:
        """The content of an object; None if it does not exist."""
        if not self.config.is_loopback:
            return self._read(key)
        return read_whole(lambda: self._read(key), lambda: self._size(key))

    def _read(self, key: str) -> bytes | None:
        def read() -> bytes:
            return bytes(self._client.get_object(Bucket=self.config.bucket, Key=key)["Body"].read())

        return self._unless_missing(key, read)

    def _size(self, key: str) -> int | None:
        """Size of an object in bytes; None if it does not exist."""

        def ask() -> int:
            return int(self._client.head_object(Bucket=self.config.bucket, Key=key)["ContentLength"])

        return self._unless_missing(key, ask)

    def _unless_missing(self, key: str, ask: Callable[[], _Answer]) -> _Answer | None:
        from botocore.exceptions import ClientError

        with self._explained(key):
            try:
                return ask()
            except ClientError as error:
                if is_missing_key(error):
                    return None
                raise

    def get(self, key: str) -> bytes:
        """The content of an object. Raises DrError if it does not exist."""
        content = self.find(key)
        if content is None:
            raise DrError(f"{key} was not found in the {self.config.place}.", "`dr models` lists the models.")
        return content

    def start_of(self, key: str, size_bytes: int) -> bytes:
        """The first bytes of an object. Raises DrError if it does not exist."""
        from botocore.exceptions import ClientError

        span = f"bytes=0-{size_bytes - 1}"
        with self._explained(key):
            try:
                answer = self._client.get_object(Bucket=self.config.bucket, Key=key, Range=span)
                return bytes(answer["Body"].read())
            except ClientError as error:
                if error_code(error) == "InvalidRange":  # an empty object has no first byte
                    return b""
                raise

    def put(self, key: str, data: bytes) -> None:
        """Write an object. Readers see either the old or the new content."""
        with self._explained(key):
            self._client.put_object(Bucket=self.config.bucket, Key=key, Body=data)

    def exists(self, key: str) -> bool:
        """Whether there is an object with exactly this key."""
        return self._size(key) is not None

    def list(self, prefix: str = "") -> list[ObjectInfo]:
        """All objects whose key starts with `prefix`, sorted by key; end it with `/` to mean a folder."""
        with self._explained(prefix):
            pages = self._client.get_paginator("list_objects_v2")
            found = [
                ObjectInfo(entry["Key"], entry["Size"], entry["LastModified"])
                for page in pages.paginate(Bucket=self.config.bucket, Prefix=prefix)
                for entry in page.get("Contents", ())
            ]
        return sorted(found, key=lambda info: info.key)

    def delete(self, keys: Iterable[str]) -> None:
        """Delete objects; missing ones are ignored."""
        names = list(keys)
        for start in range(0, len(names), _DELETE_AT_ONCE):
            batch = [{"Key": key} for key in names[start : start + _DELETE_AT_ONCE]]
            with self._explained(batch[0]["Key"]):
                answer = self._client.delete_objects(
                    Bucket=self.config.bucket, Delete={"Objects": batch, "Quiet": True}
                )
            for failed in answer.get("Errors", ()):
                raise DrError(
                    f"{failed['Key']} in the {self.config.place} was not deleted: {failed['Message']}."
                )

    def delete_prefix(self, prefix: str) -> int:
        """Delete all objects under `prefix/`, never those of a sibling such as `prefix-10/`; return their number."""
        folder = prefix.strip("/")
        if not folder:
            raise DrError("An empty prefix would delete the whole bucket.", "Name the prefix of a model.")
        keys = [found.key for found in self.list(f"{folder}/")]
        self.delete(keys)
        return len(keys)

    def copy(self, src_key: str, dst_key: str, src_bucket: str = "") -> None:
        """Copy an object within the store, from another of its buckets if `src_bucket` is given."""
        source = {"Bucket": src_bucket or self.config.bucket, "Key": src_key}
        with self._explained(src_key):
            self._client.copy_object(Bucket=self.config.bucket, Key=dst_key, CopySource=source)

    def download_file(self, key: str, path: Path, progress: Progress | None = None) -> None:
        """Download an object to a file, which appears only once it is complete."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._explained(key):
            self._client.download_file(
                self.config.bucket, key, str(path), Callback=progress, Config=self._transfer
            )

    def upload_file(self, path: Path, key: str, progress: Progress | None = None) -> None:
        """Upload a file to an object, in parts from 64 MB on."""
        with self._explained(key):
            self._client.upload_file(
                str(path), self.config.bucket, key, Callback=progress, Config=self._transfer
            )

    @cached_property
    def _transfer(self) -> Any:
        from boto3.s3.transfer import TransferConfig

        return TransferConfig(
            multipart_threshold=_MULTIPART_BYTES,
            multipart_chunksize=_MULTIPART_BYTES // 4,
            use_threads=not self.config.is_loopback,
        )

    def names(self) -> tuple[str, ...]:
        """The names of all buckets in the store that we may list."""
        with self._explained():
            return tuple(sorted(entry["Name"] for entry in self._client.list_buckets()["Buckets"]))

    def ensure_bucket(self) -> None:
        """Create the bucket unless it exists."""
        from botocore.exceptions import ClientError

        bucket, region = self.config.bucket, self.config.region
        elsewhere = not self.config.endpoint_url and region != "us-east-1"
        options = {"CreateBucketConfiguration": {"LocationConstraint": region}} if elsewhere else {}
        with self._explained():
            try:
                self._client.list_objects_v2(Bucket=bucket, MaxKeys=1)
            except ClientError as error:
                if error_code(error) != "NoSuchBucket":
                    raise
                self._client.create_bucket(Bucket=bucket, **options)

    def check(self, *, write: bool = False) -> None:
        """Check that we can list the bucket (and write to it). Raises DrError with the reason and a hint if not."""
        with self._explained():
            self._client.list_objects_v2(Bucket=self.config.bucket, MaxKeys=1)
        if write:
            self.put(_PROBE_KEY, b"drcli checks that it can write here")
            with suppress(DrError):  # a policy may forbid deleting, which does not prevent a training
                self.delete([_PROBE_KEY])
