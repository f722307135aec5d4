"""Where a model is."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from drcli.store.client import Bucket


@dataclass(frozen=True)
class ModelLocation:
    """A prefix in a bucket."""

    bucket: Bucket
    prefix: str

    @property
    def address(self) -> str:
        """s3://bucket/prefix."""
        return f"s3://{self.bucket.config.bucket}/{self.prefix}"

    @property
    def console(self) -> str:
        """URL of the folder in the AWS console; empty for other stores."""
        return self._page("buckets", f"{self.prefix}/")

    @property
    def console_of_file(self) -> str:
        """Like `console`, for a prefix that is the key of a single object."""
        return self._page("object", self.prefix)

    def _page(self, kind: str, prefix: str) -> str:
        if not self.bucket.is_aws:
            return ""
        region, bucket = self.bucket.config.region, self.bucket.config.bucket
        return f"https://{region}.console.aws.amazon.com/s3/{kind}/{bucket}?region={region}&prefix={quote(prefix)}"
