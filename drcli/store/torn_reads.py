"""Reading an object while it is overwritten.

`rclone serve s3` announces the size that it knew and then sends what is there now: a content that has become longer is
cut off, one that has become shorter ends too early, and now and then the answer is an error. AWS and MinIO do none of
it. Called by `drcli.store.client` alone.
"""

from __future__ import annotations

from collections.abc import Callable

from drcli.errors import DrError

_PATIENCE_S = 2.0
_PAUSE_S = 0.01


class _Torn(DrError):
    """What was read is shorter or longer than the object."""


def read_whole(read: Callable[[], bytes | None], size: Callable[[], int | None]) -> bytes | None:
    """What `read` returns once it is as long as `size` says afterwards; None where there is no object.

    DrError of the last attempt when that does not happen within two seconds.
    """
    from drcli.retry import keep_trying

    def attempt() -> bytes | None:
        content = read()
        if content is not None and len(content) != size():
            raise _Torn("An object of the store changes faster than it can be read.")
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
