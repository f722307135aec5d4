"""The output of `docker build` made readable: one line per step, and the last lines of a failing step."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable

from drcli.errors import DrError

NEEDS_NETWORK = "Without network access, use a folder of wheels: `dr images build --wheels DIR`."

Report = Callable[[str], None]

_LAST_LINES = 12
_LINE_LENGTH = 300
_HEADER = re.compile(r"#(?P<step>\d+) \[(?P<where>[^\]]*\d+/\d+)\] (?P<what>.*)")
_TALK = re.compile(r"#(?P<step>\d+) (?:\d+\.\d+ )?(?P<text>.*)")


class BuildLog:
    """Reads BuildKit's plain progress: reports each step that is not cached and keeps its last lines for an error."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._names: dict[str, str] = {}
        self._talk: dict[str, deque[str]] = {}
        self._failed = ""
        self._rest: deque[str] = deque(maxlen=_LAST_LINES)

    def read(self, line: str) -> None:
        """Process one line."""
        if header := _HEADER.fullmatch(line):
            self._names[header["step"]] = f"[{header['where']}] {_title(header['what'])}"
        elif talk := _TALK.fullmatch(line):
            self._hear(talk["step"], talk["text"])
        elif line.strip():
            self._rest.append(line)

    def _hear(self, step: str, text: str) -> None:
        name = self._names.get(step, "")
        if not text or text == "CACHED":
            return
        if name and step not in self._talk:
            self._report(name)
        talk = self._talk.setdefault(step, deque(maxlen=_LAST_LINES))
        if text.startswith("ERROR: "):
            self._failed = step
        if not text.startswith("DONE ") and not name.endswith(text):
            talk.append(text[:_LINE_LENGTH])

    def failure(self) -> DrError:
        """The error: the failing step and its last lines."""
        step = self._names.get(self._failed, "the build")
        last = list(self._talk.get(self._failed, self._rest))
        if len(last) > 1 and last[-1].startswith(("ERROR: process ", "ERROR: executor failed ")):
            last.pop()  # only repeats the command
        text = "\n".join(f"  {line}" for line in last)
        return DrError(f"The image was not built: {step} failed.\n{text}", _way_out(text))


def _title(what: str) -> str:
    """The title of a step: the text of its first echo, or its instruction."""
    told = re.search(r"echo '([^']+)'", what)
    return told[1] if told else what if len(what) <= 70 else f"{what[:69]}…"


def _way_out(text: str) -> str:
    if "CERTIFICATE_VERIFY_FAILED" in text or "certificate" in text.lower():
        return "Behind a TLS proxy, use this machine's CA bundle: `dr images build --ca FILE`."
    if "ERROR: " in text and re.search(
        r"pull access|failed to resolve|not found: |failed to do request", text
    ):
        return (
            "Use an available base image, Debian with Python 3.11 or newer: `dr images build --base IMAGE`."
        )
    if re.search(r"No matching distribution|NewConnectionError|Temporary failure in name", text):
        return NEEDS_NETWORK
    return ""
