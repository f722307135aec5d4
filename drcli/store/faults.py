"""Explains failures of a store: an exception of boto3 becomes a `DrError` with a hint.

Pure; called by `drcli.store.client` alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from drcli.errors import DrError

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

_KEYS = "Check the keys of {who}."
_REGION = "Set DR_AWS_APP_REGION to the region of the bucket."
_LOOK = "`dr models` lists the models."
_FULL = ("the disk of the store is full", "Free some space there; `dr models` shows the size of each model.")

# S3 error code, or HTTP status if the response had no body → what it means, what to do
_REASONS = {
    "SignatureDoesNotMatch": ("the secret key is wrong", _KEYS),
    "InvalidAccessKeyId": ("the access key is unknown to the store", _KEYS),
    "ExpiredToken": ("the AWS session has expired", "Log in again, for example with `aws sso login`."),
    "AccessDenied": ("access is denied", _KEYS),
    "403": ("access is denied", _KEYS),
    "NoSuchBucket": ("there is no such bucket", "Create it, or set DR_LOCAL_S3_BUCKET to one that exists."),
    "NoSuchKey": ("there is no such object", _LOOK),
    "404": ("there is no such object", _LOOK),
    "PermanentRedirect": ("the bucket is in another region", _REGION),
    "AuthorizationHeaderMalformed": ("the bucket is in another region", _REGION),
    "RequestTimeTooSkewed": ("the clocks of this machine and of the store differ", "Set the clock."),
    "XMinioStorageFull": _FULL,
    "InsufficientStorage": _FULL,
    "507": _FULL,
    # All that rclone returns when it cannot write; the reason is in its log.
    "InternalError": ("the store failed", "Is its disk full? `dr logs minio` shows its log."),
}


def error_code(error: ClientError) -> str:
    """The S3 code of a response; its HTTP status if the response had no body."""
    return str(error.response.get("Error", {}).get("Code", ""))


def is_missing_key(error: ClientError) -> bool:
    """Whether the store responded that the object does not exist."""
    return error_code(error) in ("NoSuchKey", "404")


def explain(error: Exception, place: str, who: str, key: str = "") -> DrError:
    """What `error` means. `place`: the bucket; `who`: which keys we use; `key`: the object, if any."""
    from botocore import exceptions as boto

    cause = error if isinstance(error, boto.ClientError) else error.__context__
    if isinstance(cause, boto.ClientError):  # transfers wrap it
        return _explain_answer(cause, place, who, key)
    if isinstance(error, boto.ProfileNotFound):
        return DrError(f"There is no AWS {who}.", "Create it with `aws configure --profile NAME`.")
    if isinstance(error, boto.NoCredentialsError | boto.PartialCredentialsError):
        return DrError(f"No AWS credentials for the {place}.", _KEYS.format(who=who))
    if isinstance(error, boto.ConnectionError | boto.HTTPClientError):
        reason, hint = "is unreachable", "Is it running? `dr store status` shows the embedded store."
        return DrError(f"The {place} {reason}: {error}.", hint)
    return DrError(f"The {place} cannot be used: {error}.", "Check the address, the name and the keys.")


def _explain_answer(error: ClientError, place: str, who: str, key: str) -> DrError:
    code = error_code(error)
    what = f"{key} in the {place}" if key else f"The {place}"
    said = error.response.get("Error", {}).get("Message", "")
    reason, hint = _REASONS.get(code, (f"the store says {said or 'no'}", ""))
    if code == "404" and not key:
        reason, hint = "the server there is not an S3 store", "Is another program on this port?"
    return DrError(f"{what}: {reason} ({code}).", hint.format(who=who))
