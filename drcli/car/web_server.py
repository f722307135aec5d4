"""The routes of a car's web server that concern models: log in, list, upload, delete.

They are those of the original software (aws-deepracer-webserver-pkg) and of the community's
(deepracer-custom-car, with its own console or the original one), which differ in little:

- Both answer `failure` with status 200 to a wrong password, and set the cookie `deepracer_token` after the right one.
  The original keeps one login, so that ours ends that of a browser; the community's keeps all for 12 hours.
- While its programs start, the community's `/login` answers 500, and nginx in front of both 502.
- A request that changes something needs the token of the page's `csrf-token` and the cookie it came with, or gets 400.
- Installing is a program of its own. After ten seconds the upload is answered with a failure, but it continues; and
  it answers "done" also for an archive that it ignores. `/api/is_model_installed` only says that the folder
  exists, and the upload made that; `/api/models` lists a model once its graph and its metadata are there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote, urlencode

from drcli.car.connection import Answer, Connection
from drcli.errors import DrError
from drcli.retry import keep_trying
from drcli.store.transfer import Meter, Tell, quiet

PATIENCE_S = 60.0  # how long a model may take to be installed after its upload
_PAUSE_S = 1.0
_CHUNK = 1 << 16
_TOKEN = "deepracer_token"


@dataclass(frozen=True)
class CarModel:
    """A model folder on a car, in the car's words. `size` is what `du -h` prints."""

    name: str
    sensors: str
    training_algorithm: str
    action_space_type: str
    size: str
    uploaded: datetime | None
    is_installed: bool
    is_selectable: bool  # the car has its sensors


@dataclass(frozen=True)
class _Body:
    """The body of a request: its type, and whom to tell how many bytes have been sent."""

    kind: str
    content: bytes
    moved: Callable[[int], None] = lambda count: None

    def chunks(self) -> Iterator[bytes]:
        """The content in pieces; each is reported once the next one is wanted."""
        for at in range(0, len(self.content), _CHUNK):
            chunk = self.content[at : at + _CHUNK]
            yield chunk
            self.moved(len(chunk))


class WebServer:
    """A car's web server."""

    def __init__(self, connection: Connection) -> None:
        """Read its login page. Raises DrError if it is not that of a car, or not ready."""
        self._connection = connection
        self._car = connection.address
        page = connection.ask("GET", "/login")
        if page.status >= 500:
            raise self._failed(page, "Is it still starting? Try again in a minute.")
        self._csrf = _csrf_token(page.text) if page.status == 200 else ""
        if not self._csrf:
            raise DrError(
                f"{self._car} does not seem to be a car: its /login is not the page of a car's console.",
                f"Open {self._car.url} in a browser to see what it is.",
            )

    def login(self, password: str) -> None:
        """Log in. Raises DrError if the password is wrong."""
        form = urlencode({"password": password, "csrf_token": self._csrf}).encode()
        answer = self._ask("POST", "/login", _Body("application/x-www-form-urlencoded", form))
        if answer.status != 200:
            raise self._failed(answer)
        if _TOKEN not in self._connection.cookies:
            raise DrError(
                f"{self._car} refused the password.",
                "It is the password of the car's console: at first the one printed underneath the car, or `deepracer` "
                "after it was flashed.",
            )

    def models(self) -> list[CarModel]:
        """The models on the car, by name."""
        folders = self._answer("GET", "/api/uploaded_model_list")
        installed = {entry["model_folder_name"]: entry for entry in self._installed()}
        if not isinstance(folders, list):
            raise self._not_understood("/api/uploaded_model_list")
        found = [_model(entry, installed) for entry in folders if isinstance(entry, dict) and "name" in entry]
        return sorted(found, key=lambda model: model.name)

    def has_folder(self, name: str) -> bool:
        """Whether there is a model of this name, installed or not."""
        answer = self._answer("GET", f"/api/is_model_installed?filename={quote(name)}")
        return _is_success(answer)

    def upload(self, name: str, archive: bytes, tell: Tell = quiet) -> str:
        """Upload an archive as the model `name`, replacing it; returns the car's answer. `wait_for` comes next."""
        from urllib3.filepost import encode_multipart_formdata

        file = f"{name}.tar.gz"
        body, kind = encode_multipart_formdata({"file": (file, archive, "application/gzip")})
        moved = Meter(len(body), tell).of(file)
        answer = self._answer("POST", "/api/uploadModels", _Body(kind, body, moved))
        return _message(answer)

    def wait_for(self, name: str, said: str) -> None:
        """Wait until a model is installed. Raises DrError, with what the car `said`, if it is not in a minute."""

        def look() -> None:
            if not self.has_folder(name) or name not in {m["model_folder_name"] for m in self._installed()}:
                raise _NotInstalled(
                    f"{self._car} did not install {name}. Its answer to the upload: {said or 'none'}",
                    "The page Logs of the car's console may say why. `dr car list` shows what is on the car.",
                )

        keep_trying(
            look,
            patience_s=PATIENCE_S,
            pause_s=lambda _attempts: _PAUSE_S,
            is_worth_it=lambda error: isinstance(error, _NotInstalled),
        )

    def delete(self, names: Sequence[str]) -> None:
        """Delete models. They must be names out of `models`: the car deletes whatever path it is given."""
        body = json.dumps({"filenames": list(names)}).encode()
        answer = self._answer("POST", "/api/deleteModels", _Body("application/json", body))
        if not _is_success(answer):
            raise DrError(
                f"{self._car} did not delete everything: {_message(answer) or 'it does not say why'}.",
                "`dr car list` shows what is left.",
            )

    def _installed(self) -> list[dict[str, Any]]:
        answer = self._answer("GET", "/api/models")
        models = answer.get("models") if isinstance(answer, dict) else None
        if not isinstance(models, list):
            raise self._not_understood("/api/models")
        return [entry for entry in models if isinstance(entry, dict) and "model_folder_name" in entry]

    def _answer(self, method: str, path: str, body: _Body | None = None) -> Any:
        """The JSON of an answer. Raises DrError if it is an error, or not JSON."""
        answer = self._ask(method, path, body)
        route = path.partition("?")[0]
        if answer.status == 401:
            raise DrError(
                f"{self._car} has ended our login.", "Has another user logged in? Run the command again."
            )
        if answer.status == 404:
            raise DrError(
                f"The software of {self._car} is too old: it has no {route}.",
                "Update it in the car's console, under Settings.",
            )
        if answer.status == 413:
            raise DrError(f"{self._car} refused the upload: the file is too large for its web server.")
        if answer.status != 200:
            full = (
                "Is its disk full? `dr car list` shows the models and their size, `dr car delete` frees it."
            )
            raise self._failed(answer, full if route == "/api/uploadModels" else "")
        if answer.document is None:
            raise self._not_understood(route)
        return answer.document

    def _ask(self, method: str, path: str, body: _Body | None) -> Answer:
        headers = {"X-CSRFToken": self._csrf, "Referer": f"{self._car.url}/"}
        if body is None:
            return self._connection.ask(method, path, headers)
        headers |= {"Content-Type": body.kind, "Content-Length": str(len(body.content))}
        return self._connection.ask(method, path, headers, body.chunks())

    def _failed(self, answer: Answer, hint: str = "") -> DrError:
        said = f": {answer.words}" if answer.words else ""
        return DrError(f"{self._car} answered with status {answer.status}{said}", hint)

    def _not_understood(self, route: str) -> DrError:
        return DrError(f"{self._car} answered {route} in a way that drcli does not understand.")


class _NotInstalled(DrError):
    """The car does not list the model yet."""


class _CsrfToken(HTMLParser):
    """Finds `<meta name="csrf-token" content="…">`, or a form's hidden field `csrf_token`."""

    token = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "meta" and found.get("name") == "csrf-token":
            self.token = found.get("content") or ""
        elif tag == "input" and found.get("name") == "csrf_token":
            self.token = self.token or found.get("value") or ""


def _csrf_token(page: str) -> str:
    parser = _CsrfToken()
    parser.feed(page)
    return parser.token


def _model(entry: dict[str, Any], installed: dict[str, dict[str, Any]]) -> CarModel:
    name, time = str(entry["name"]), entry.get("creation_time")

    def said(key: str) -> str:
        return str(entry.get(key, "--"))

    return CarModel(
        name,
        sensors=said("sensors"),
        training_algorithm=said("training_algorithm"),
        action_space_type=said("action_space_type"),
        size=said("size"),
        uploaded=datetime.fromtimestamp(time).astimezone() if isinstance(time, int | float) else None,
        is_installed=name in installed,
        is_selectable=name in installed and not installed[name].get("is_select_disabled", False),
    )


def _is_success(answer: Any) -> bool:
    return isinstance(answer, dict) and answer.get("success") is True


def _message(answer: Any) -> str:
    """What the car says; `message` or `reason`, depending on the route."""
    return str(answer.get("message") or answer.get("reason") or "") if isinstance(answer, dict) else ""
