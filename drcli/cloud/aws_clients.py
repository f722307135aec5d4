"""Requests to AWS: boto3's clients (imported on first use), patience, and errors that say what to do.

The bucket's objects are not read and written here but through `drcli.store.client`, like those of any bucket.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeVar

from drcli.cloud.cloud_errors import AwsError, clock_error_s, explain, wrong_clock
from drcli.errors import DrError
from drcli.retry import keep_trying

PATIENCE_S = 90.0  # a network that is gone for a minute comes back within
PAUSE_S = 5.0
MAX_CLOCK_ERROR_S = 240.0  # AWS refuses requests that are 5 minutes off

_Result = TypeVar("_Result")


def _say_nothing(_text: str) -> None:
    """Report nothing."""


@dataclass(frozen=True)
class Aws:
    """AWS in one region, as one user: a key pair, a profile, or what boto3 finds by itself.

    `tell` is called with a line for the user whenever something takes longer than it should.
    """

    region: str
    profile: str | None = None
    access_key: str | None = None
    secret_key: str | None = field(default=None, repr=False)
    tell: Callable[[str], None] = field(default=_say_nothing, compare=False, repr=False)

    @property
    def who(self) -> str:
        """Whose keys are used, for messages."""
        if self.access_key:
            return "DR_LOCAL_ACCESS_KEY_ID"
        return f"profile {self.profile}" if self.profile else "this machine's role or environment"

    @property
    def partition(self) -> str:
        """`aws`, or that of China or GovCloud: the second word of every ARN."""
        from botocore.session import Session

        return str(Session().get_partition_for_region(self.region))

    def call(self, service: str, operation: str, **wanted: Any) -> dict[str, Any]:
        """The answer to one request. Waits out a network that is gone for a minute. Raises AwsError."""
        return self._patiently(service, operation, lambda client: getattr(client, operation)(**wanted))

    def pages(self, service: str, operation: str, key: str, **wanted: Any) -> list[Any]:
        """All entries under `key` in all pages of an answer. Raises AwsError."""

        def ask(client: Any) -> list[Any]:
            pages = client.get_paginator(operation).paginate(**wanted)
            return [entry for page in pages for entry in page.get(key, ())]

        return self._patiently(service, operation, ask)

    def check(self) -> str:
        """Check credentials and clock; the ARN of the user. Raises AwsError."""
        answer = self.call("sts", "get_caller_identity")
        off_s = clock_error_s(answer)
        if off_s is not None and abs(off_s) > MAX_CLOCK_ERROR_S:
            raise wrong_clock("", off_s)
        return str(answer["Arn"])

    def _patiently(self, service: str, operation: str, ask: Callable[[Any], _Result]) -> _Result:
        from botocore.exceptions import BotoCoreError, ClientError

        def once() -> _Result:
            try:
                return ask(_client(service, self.region, self.profile, self.access_key, self.secret_key))
            except (BotoCoreError, ClientError) as error:
                raise explain(error, service, operation, self.region, self.who) from error

        return patiently(once, self.tell)


def patiently(ask: Callable[[], _Result], tell: Callable[[str], None]) -> _Result:
    """The result of `ask`, tried again for a minute and a half while AWS or the network fails."""
    return keep_trying(
        ask,
        patience_s=PATIENCE_S,
        pause_s=lambda attempt: PAUSE_S * min(attempt, 3),
        is_worth_it=_may_pass,
        report=lambda error, pause_s: tell(f"{error.message} Trying again in {pause_s:.0f} s."),
    )


def _may_pass(error: DrError) -> bool:
    """Whether it may work in a minute: an error of ours says so, one of the bucket has a cause that does."""
    from botocore.exceptions import ConnectionError as NoConnection
    from botocore.exceptions import HTTPClientError

    if isinstance(error, AwsError):
        return error.may_pass
    return isinstance(error.__cause__, NoConnection | HTTPClientError)


@lru_cache(16)  # a few MB each
def _client(
    service: str, region: str, profile: str | None, access_key: str | None, secret_key: str | None
) -> Any:
    import boto3
    from botocore.config import Config

    session = boto3.Session(
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
        region_name=region,
        profile_name=profile,
    )
    # One attempt: `patiently` tries again, and it says so.
    config = Config(
        connect_timeout=10, read_timeout=60, retries={"mode": "standard", "total_max_attempts": 1}
    )
    return session.client(service, config=config)
