"""Requests to the REST API of a deployment: signed, repeated after what may pass, refusals explained.

Routes and shapes are those of its Smithy model (github.com/aws-solutions/deepracer-on-aws, source/libs/model).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, urlencode

from drcli.droa import web
from drcli.droa.login_file import AwsKeys
from drcli.droa.session import Session
from drcli.errors import DrError
from drcli.retry import keep_trying

_SHOWN = 300  # characters of a server's message


class ApiError(DrError):
    """A refusal by the API, with its HTTP status."""

    def __init__(self, status: int, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.status = status


class _Throttled(web.PassingError):
    """Refused before anything was done, as there were too many requests."""


class Api:
    """The API of one deployment, for the user who is logged in."""

    def __init__(self, session: Session, report: Callable[[str], None] = lambda _: None) -> None:
        """`report` is called with a line for each request: method, address and status, no secrets."""
        self.session = session
        self._report = report

    def get(self, path: str, **query: str) -> dict[str, Any]:
        """Read. Raises DrError if it is refused."""
        return self._call("GET", path, query)

    def delete(self, path: str) -> None:
        """Delete. Raises as `get`."""
        self._call("DELETE", path, {})

    def post(self, path: str, body: Mapping[str, str]) -> dict[str, Any]:
        """Have something done. Raises as `get`; is not repeated if it may have been done."""
        return self._call("POST", path, {}, json.dumps(body).encode())

    def _call(self, method: str, path: str, query: Mapping[str, str], body: bytes = b"") -> dict[str, Any]:
        tail = f"?{urlencode(query, quote_via=quote)}" if query else ""
        url = f"{self.session.deployment.api_endpoint}{path}{tail}"
        is_repeatable = method != "POST"

        def once() -> web.Answer:
            answer = self._send(method, url, body)
            text = f"{self._name} is overloaded or failing ({answer.status}){_said(answer) or '.'}"
            if answer.status == 429:
                raise _Throttled(text, "Try again later.")
            if is_repeatable and answer.status >= 500:
                raise web.PassingError(text, "Try again later.")
            return answer

        answer = keep_trying(
            once,
            patience_s=web.PATIENCE_S,
            pause_s=web.pause_s,
            is_worth_it=web.is_passing if is_repeatable else lambda error: isinstance(error, _Throttled),
        )
        if answer.status >= 300:
            raise self._refusal(answer)
        return _document(answer)

    def _send(self, method: str, url: str, body: bytes) -> web.Answer:
        answer = web.send(method, url, self._signed(method, url, body, self.session.keys()), body)
        if answer.status == 403 and "expired" in _said(answer) and "token" in _said(answer):
            answer = web.send(
                method, url, self._signed(method, url, body, self.session.keys(fresh=True)), body
            )
        self._report(f"{method} {url} -> {answer.status}")
        return answer

    def _signed(self, method: str, url: str, body: bytes, keys: AwsKeys) -> dict[str, str]:
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials

        request = AWSRequest(
            method, url, {"X-Amz-Content-SHA256": hashlib.sha256(body).hexdigest()}, data=body
        )
        if body:
            request.headers["Content-Type"] = "application/json"
        credentials = Credentials(keys.access_key, keys.secret_key, keys.session_token)
        SigV4Auth(credentials, "execute-api", self.session.deployment.region).add_auth(request)
        return dict(request.headers.items())

    @property
    def _name(self) -> str:
        return self.session.deployment.name

    def _refusal(self, answer: web.Answer) -> ApiError:
        said, status = _said(answer), answer.status
        hint = ""
        if status == 403:
            hint = "An administrator there can change what you may do (your group)."
            if said == ": Forbidden":  # what the gateway says for its firewall
                hint = (
                    "Its firewall may block programs that are not browsers: its administrator can set the rules "
                    "CategoryHttpLibrary and SignalNonBrowserUserAgent of AWS WAF Bot Control to count."
                )
            elif "Signature expired" in said or "not yet current" in said:
                hint = "Set the clock of this machine."
            elif "Missing Authentication Token" in said:
                hint = "The API has no such address: check --api-endpoint, if you use it."
        elif status == 404:
            hint = "`dr droa list` lists the models."
        elif status >= 500:
            hint = "Try again later; its administrator finds the reason in the logs of the deployment."
        return ApiError(status, f"{self._name} refused ({status}){said or '.'}", hint)


def _document(answer: web.Answer) -> dict[str, Any]:
    try:
        found = json.loads(answer.content or b"{}")
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise DrError("The API returned something that is not JSON.", "Check --api-endpoint, if you use it.")
    return found


def _said(answer: web.Answer) -> str:
    """What the server says, after a colon; empty if nothing. Never more than its first line: the text of a signature
    error repeats the request's headers after that, with the session token."""
    try:
        found = json.loads(answer.content)
    except ValueError:
        return ""
    texts = (
        [found.get(key) for key in ("message", "Message", "errorMessage")] if isinstance(found, dict) else []
    )
    text = next((text for text in texts if isinstance(text, str) and text.strip()), "")
    return f": {text.strip().splitlines()[0][:_SHOWN]}" if text else ""
