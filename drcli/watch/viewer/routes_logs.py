"""`/logs?run=0&kind=training&name=robomaker-1`: the log of a service, its end and then what is added, as events.

Event `lines` carries a list of lines, `end` says that the run has ended, `problem` why there is no log.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Iterator, Sequence
from threading import Event, Thread

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from drcli.contract.run_name import RUN_KINDS
from drcli.errors import DrError
from drcli.launch import run_control
from drcli.launch.run_folder import RunFolder
from drcli.paths import is_folder_name
from drcli.watch.viewer.push import SSE, Push, event
from drcli.watch.viewer.viewer_context import ViewerContext, json_response, to_json

TAIL = 500
_WAITING = 2000  # lines; of more that come at once only the last ones are shown
_SEND_S = 0.25


def routes(context: ViewerContext) -> Sequence[BaseRoute]:
    """The routes."""

    async def logs(request: Request) -> Response | Push:
        run, kind, name = (request.query_params.get(each, "") for each in ("run", "kind", "name"))
        if not run.isdigit() or kind not in RUN_KINDS or not is_folder_name(name):
            return json_response({"error": "This is not the address of a log."}, 400)
        folder = RunFolder.of(context.workspace, kind, int(run))
        return Push(follow(folder, name, context), SSE)

    return [Route("/logs", logs, methods=["GET"])]


class _Reader:
    """Reads a log in a thread of its own, as following one blocks; keeps the newest lines until they are taken."""

    def __init__(self, folder: RunFolder, name: str, context: ViewerContext) -> None:
        self.lines: deque[str] = deque(maxlen=_WAITING)
        self.problem, self.is_over, self._stop = "", False, Event()
        self._folder, self._name, self._context = folder, name, context
        Thread(target=self._read, name=f"log-{name}", daemon=True).start()

    def stop(self) -> None:
        self._stop.set()

    def _goes_on(self) -> bool:
        folder = self._folder
        return not self._stop.is_set() and run_control.is_running(
            self._context.workspace, folder.kind, folder.run_id
        )

    def _read(self) -> None:
        try:
            for line in self._open():
                self.lines.append(line)
                if self._stop.is_set():
                    break
        except DrError as error:
            self.problem = f"{error.message} {error.hint}".strip()
        finally:
            self.is_over = True

    def _open(self) -> Iterator[str]:
        return run_control.log(self._folder, self._name, TAIL, self._goes_on)


async def follow(folder: RunFolder, name: str, context: ViewerContext) -> AsyncGenerator[bytes, None]:
    """The events of one log."""
    reader = _Reader(folder, name, context)
    silent_s = 0.0
    try:
        while True:
            is_over = reader.is_over  # asked first: what it left is still to be sent
            taken = [reader.lines.popleft() for _ in range(len(reader.lines))]
            if taken:
                yield event("lines", to_json(taken))
            if is_over:
                yield event("problem" if reader.problem else "end", to_json(reader.problem))
                return
            silent_s = 0.0 if taken else silent_s + _SEND_S
            if silent_s > 10.0:
                silent_s = 0.0
                yield b": still here\n\n"
            await asyncio.sleep(_SEND_S)
    finally:
        reader.stop()
