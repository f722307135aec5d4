"""Reads objects that are being overwritten.

`rclone serve s3` announces the old size and then sends the new content: longer content is cut off, shorter content ends
early, and sometimes the response is an error. AWS and MinIO do not do this. Only `drcli.store.client` calls it.
"""

from __future__ import annotations

from collections.abc import Callable

from drcli.errors import DrError

_PATIENCE_S = 2.0
_PAUSE_S = 0.01


class _Torn(DrError):
    """The content that was read is shorter or longer than the object."""


def read_whole(read: Callable[[], bytes | None], size: Callable[[], int | None]) -> bytes | None:
    """Read until the content is as long as `size` says afterwards; None if the object does not exist.

    Raises DrError of the last attempt if that does not happen within two seconds.
    """
    from drcli.retry import keep_trying

    def attempt() -> bytes | None:
        content = read()
        if content is not None and len(content) != size():
            raise _Torn("An object in the store changes faster than it can be read.")
        return content

    return keep_trying(
        attempt, patience_s=_PATIENCE_S, pause_s=lambda _attempts: _PAUSE_S, is_worth_it=_is_torn
    )


def _is_torn(error: DrError) -> bool:
    from botocore.exceptions import ClientError, ResponseStreamingError

    from drcli.store.faults import error_code

    cause = error.__cause__
    if isinstance(cause, ClientError):
        return error_code(cause) == "InternalError"
    return isinstance(error, _Torn) or isinstance(cause, ResponseStreamingError)
