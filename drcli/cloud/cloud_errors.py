"""What an error of AWS means: a code of its API, or no answer at all, becomes an `AwsError` with a hint.

Pure; called by `drcli.cloud.aws_clients` alone. Codes: docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from drcli.errors import DrError

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

UNREACHABLE = "Unreachable"  # our own code for no answer

# EC2 has no machine of this type in this zone at this price now; another type or zone may do.
NO_CAPACITY = frozenset(
    {
        "InsufficientInstanceCapacity",
        "InsufficientCapacity",
        "InsufficientFreeAddressesInSubnet",
        "SpotMaxPriceTooLow",
        "Unsupported",
    }
)
QUOTA = frozenset({"MaxSpotInstanceCountExceeded", "VcpuLimitExceeded", "InstanceLimitExceeded"})
_PASSES = frozenset(
    {
        UNREACHABLE,
        "InternalError",
        "InternalFailure",
        "InternalServerError",
        "RequestLimitExceeded",
        "ServiceUnavailable",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "Unavailable",
    }
)
_DENIED = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "AuthFailure.ServiceLinkedRoleCreationNotPermitted",
        "UnauthorizedOperation",
    }
)
_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
_CLOCK = frozenset({"RequestInTheFuture", "RequestTimeTooSkewed"})
_SIGNATURE = frozenset({"AuthFailure", "InvalidSignatureException", "SignatureDoesNotMatch"})
_UNKNOWN_KEY = frozenset({"InvalidAccessKeyId", "InvalidClientTokenId", "UnrecognizedClientException"})
_WRONG_CLOCK_S = 240.0  # AWS refuses requests that are 5 minutes off, some services 15
_LONGEST_REASON = 300  # characters
_ACTION = re.compile(r"perform: ([\w-]+:\w+)")
_LOGIN = "Run `aws configure` or `aws sso login`; --profile names a profile."


class AwsError(DrError):
    """AWS refused a request, or could not be reached; `code` is its own word for the reason."""

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.code = code

    @property
    def may_pass(self) -> bool:
        """Whether the same request may work in a minute."""
        return self.code in _PASSES

    @property
    def is_missing(self) -> bool:
        """Whether what was asked for does not exist."""
        return self.code == "NoSuchEntity" or self.code.endswith((".NotFound", "NotFoundException"))


def explain(error: Exception, service: str, operation: str, region: str, who: str) -> AwsError:
    """What `error` means. operation: as in botocore, such as `run_instances`; who: whose keys were used."""
    from botocore import exceptions as boto

    if isinstance(error, boto.ClientError):
        return _explain_answer(error, service, operation, region, who)
    if isinstance(error, boto.ProfileNotFound):
        return AwsError("NoProfile", f"There is no AWS {who}.", "`aws configure --profile NAME` creates it.")
    if isinstance(error, boto.NoCredentialsError | boto.PartialCredentialsError):
        return AwsError("NoCredentials", f"There are no AWS credentials: {who} has none.", _LOGIN)
    if isinstance(
        error,
        boto.CredentialRetrievalError
        | boto.SSOError
        | boto.TokenRetrievalError
        | boto.RefreshWithMFAUnsupportedError,
    ):
        return AwsError(
            "NoCredentials", f"The AWS credentials of {who} cannot be used: {_sentence(str(error))}", _LOGIN
        )
    if isinstance(error, boto.ConnectionError | boto.HTTPClientError):
        return AwsError(
            UNREACHABLE,
            f"AWS is unreachable ({service} in {region}): {_sentence(str(error))}",
            f"Is the network up, and is {region} the name of a region? --region names another. Machines that are "
            "running end themselves when their hours are over.",
        )
    return AwsError(
        type(error).__name__, f"AWS ({service} in {region}) cannot be used: {_sentence(str(error))}"
    )


def _explain_answer(error: ClientError, service: str, operation: str, region: str, who: str) -> AwsError:
    code = str(error.response.get("Error", {}).get("Code", ""))
    said = str(error.response.get("Error", {}).get("Message", ""))
    off_s = clock_error_s(error.response)
    if code in _CLOCK or (
        code in _SIGNATURE | _EXPIRED and off_s is not None and abs(off_s) > _WRONG_CLOCK_S
    ):
        return wrong_clock(code, off_s)
    if code in _SIGNATURE and re.search(r"[Ss]ignature (expired|not yet current)", said):
        return wrong_clock(code, off_s)
    if code in _EXPIRED:
        return AwsError(code, f"The AWS credentials of {who} have expired ({code}).", _LOGIN)
    if code in _SIGNATURE | _UNKNOWN_KEY:
        return AwsError(code, f"AWS does not accept the credentials of {who} ({code}).", _LOGIN)
    if code in _DENIED:
        return _denied(code, said, action_of(service, operation), who)
    return AwsError(
        code, f"AWS refused {action_of(service, operation)} in {region}: {_sentence(said)} ({code})"
    )


def _denied(code: str, said: str, action: str, who: str) -> AwsError:
    if code.startswith("AuthFailure."):
        action = "iam:CreateServiceLinkedRole"  # of Spot, once per account
    named = _ACTION.search(said)
    return AwsError(
        code,
        f"AWS does not allow {named[1] if named else action} to {who} ({code}).",
        "docs/cloud.md has the policy that your user or role needs.",
    )


def wrong_clock(code: str, off_s: float | None) -> AwsError:
    """The clock of this machine is off by `off_s` seconds, positive if it is fast; None: nobody knows by how much."""
    how = "differs too much from that of AWS"
    if off_s is not None and abs(off_s) > _WRONG_CLOCK_S:
        how = f"is {abs(off_s) / 60:.0f} minutes {'fast' if off_s > 0 else 'slow'}"
    return AwsError(
        code or "RequestTimeTooSkewed",
        f"The clock of this machine {how}, so AWS refuses its requests.",
        "Set the clock, for example with `sudo timedatectl set-ntp true`, and try again.",
    )


def clock_error_s(answer: object) -> float | None:
    """How far this machine's clock was fast when AWS answered, by the Date of its answer; None without one."""
    headers = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}) if isinstance(answer, dict) else {}
    try:
        there = parsedate_to_datetime(headers["date"])
    except (KeyError, ValueError):
        return None
    return (datetime.now(UTC) - there).total_seconds()


def action_of(service: str, operation: str) -> str:
    """The action of a policy that allows an operation: `ec2:RunInstances` for ec2, run_instances."""
    return f"{service}:" + "".join(word.capitalize() for word in operation.split("_"))


def _sentence(text: str) -> str:
    """One line of what may be a page of HTML."""
    text = " ".join(text.split())[:_LONGEST_REASON].rstrip(".")
    return f"{text}." if text else "no reason given."
