"""The AWS resources of one DeepRacer on AWS, as the env.js of its website names them.

env.js is JavaScript from a server: six texts are taken from it and checked, nothing is run.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from drcli.droa import web
from drcli.errors import DrError, UsageError

_WEB = r"https?://[\w.-]+(:\d+)?(/[\w./-]*)?"
# Part of a Deployment → its key in env.js (deepracer-on-aws: website.ts), and what it has to look like: some of these
# texts become part of the addresses that passwords and keys are sent to.
_PARTS = {
    "region": ("region", r"[a-z]{2}(-[a-z]+)+-\d"),
    "user_pool_id": ("userPoolId", r"[\w-]+_[0-9A-Za-z]+"),
    "user_pool_client_id": ("userPoolClientId", r"[\w+]+"),
    "identity_pool_id": ("identityPoolId", r"[\w-]+:[0-9a-f-]+"),
    "api_endpoint": ("apiEndpointUrl", _WEB),
    "upload_bucket": ("uploadBucketName", r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"),
}
_IS_IT = "Is this the address at which you open DeepRacer on AWS in a browser?"


@dataclass(frozen=True)
class Deployment:
    """One DeepRacer on AWS; `url` is that of its website, empty if every part was given by hand."""

    url: str
    region: str
    user_pool_id: str
    user_pool_client_id: str
    identity_pool_id: str
    api_endpoint: str
    upload_bucket: str

    @property
    def name(self) -> str:
        """For messages."""
        return self.url or self.api_endpoint


def find_deployment(url: str, given: Mapping[str, str]) -> Deployment:
    """The deployment whose website is at `url`; parts that are `given` (by field name) replace those in its env.js.

    Raises:
        UsageError: no address, an unencrypted one, or a part that is not what it should be.
        DrError: there is no DeepRacer on AWS at this address, or it is unreachable.
    """
    missing = [name for name in _PARTS if not given.get(name)]
    if missing and not url:
        raise UsageError(
            "The address of your DeepRacer on AWS is not known.",
            "Set DR_DROA_URL in system.env, or use --url.",
        )
    _check_encrypted(url)
    site = url.rstrip("/")
    read = _parse(_env_js(site), site) if missing else {}
    parts = {name: given.get(name) or read.get(name, "") for name in _PARTS}
    for name, (key, pattern) in _PARTS.items():
        if not re.fullmatch(pattern, parts[name]):
            where = f"--{name.replace('_', '-')}" if given.get(name) else f"{key} in {site}/env.js"
            raise UsageError(
                f"{where} is not valid: {parts[name]!r}." if parts[name] else f"{where} is missing.", _IS_IT
            )
    parts["api_endpoint"] = parts["api_endpoint"].rstrip("/")
    _check_encrypted(parts["api_endpoint"])
    return Deployment(site, **parts)


def _check_encrypted(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme == "http" and parts.hostname not in ("127.0.0.1", "localhost", "::1"):
        raise UsageError(f"{url} is not encrypted; a login would be visible to others.", "Use https://.")


def _env_js(site: str) -> str:
    address = f"{site}/env.js"
    answer = web.send_patiently("GET", address)
    if moved := answer.headers.get("Location"):
        raise DrError(f"{address} has moved to {moved}.", "Use the new address in DR_DROA_URL or --url.")
    if answer.status != 200:
        raise DrError(f"{address}: the server returned {answer.status}.", _IS_IT)
    return answer.content.decode(errors="replace")


def _parse(text: str, site: str) -> dict[str, str]:
    """The parts in an env.js: an object in strict JSON, as deployments have it, or written by hand."""
    _, start, rest = text.partition("window.EnvironmentConfig")
    if not start:  # the website answers with its start page if a file does not exist
        raise DrError(f"{site} has no env.js, so it is not a DeepRacer on AWS.", _IS_IT)
    found = {}
    for name, (key, _) in _PARTS.items():
        match = re.search(rf"""[{{,\s]["']?{key}["']?\s*:\s*(["'])(.*?)\1""", rest)
        found[name] = match[2] if match else ""
    return found
