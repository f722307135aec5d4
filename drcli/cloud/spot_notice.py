"""What a machine of EC2 can learn about itself: its name, and whether the provider wants it back.

The instance metadata service, version 2: docs.aws.amazon.com/AWSEC2/latest/UserGuide/ "Use the Instance Metadata
Service" and "Spot Instance interruption notices".
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

from drcli import env

_ADDRESS = "http://169.254.169.254"
_TIMEOUT_S = 2.0
_TOKEN_S = 21_600  # the longest that the service gives
_WARNING_S = 120.0  # how long before its end a machine is told


@dataclass(frozen=True)
class SpotNotice:
    """The provider takes the machine back: what happens to it (terminate, stop, hibernate), and when (epoch)."""

    action: str
    at: float


class MetadataService:
    """The metadata service of this machine; on other machines than those of EC2 nothing answers."""

    def __init__(self, address: str = "") -> None:
        """`address`: default: the variable that AWS's own programs read, or the usual address."""
        self._address = (address or env.read(env.AWS_EC2_METADATA_SERVICE_ENDPOINT) or _ADDRESS).rstrip("/")
        self._opener = build_opener(ProxyHandler({}))
        self._token = ""

    def notice(self) -> SpotNotice | None:
        """The interruption notice; None while there is none, or if the service does not answer."""
        document = self._read("spot/instance-action")
        return None if not document else _notice(document)

    def instance_id(self) -> str:
        """The name of this machine, such as i-0123456789abcdef0; empty if the service does not answer."""
        return self._read("instance-id").strip()

    def _read(self, name: str) -> str:
        """A document; empty if there is none, or if the service does not answer."""
        try:
            try:
                return self._ask(name)
            except HTTPError as error:
                if error.code != 401:
                    return ""
                self._token = ""  # it has expired
                return self._ask(name)
        except OSError:
            return ""

    def _ask(self, name: str) -> str:
        if not self._token:
            wish = {"X-aws-ec2-metadata-token-ttl-seconds": str(_TOKEN_S)}
            self._token = self._send(Request(f"{self._address}/latest/api/token", headers=wish, method="PUT"))
        proof = {"X-aws-ec2-metadata-token": self._token}
        return self._send(Request(f"{self._address}/latest/meta-data/{name}", headers=proof))

    def _send(self, request: Request) -> str:
        with self._opener.open(request, timeout=_TIMEOUT_S) as answer:
            return str(answer.read().decode("utf-8", errors="replace"))


def _notice(document: str) -> SpotNotice:
    """A document that cannot be read still means that the machine is about to go."""
    try:
        said = json.loads(document)
        at = datetime.fromisoformat(said["time"])
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        return SpotNotice(str(said["action"]), at.timestamp())
    except (ValueError, KeyError, TypeError):
        return SpotNotice("terminate", time.time() + _WARNING_S)
