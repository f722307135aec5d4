"""The program of the viewer: `python -m drcli.watch.viewer.viewer_server ROOT HOST PORT`, started by `viewer_process`.

The token and the user's `--set` come in a variable of its environment, the settings from the files of the workspace.
"""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from pathlib import Path
from threading import Thread

import uvicorn

from drcli import env
from drcli.config.load import find_workspace, load_settings
from drcli.errors import DrError
from drcli.launch.bucket import open_bucket
from drcli.watch.viewer.guard import LOOPBACK_NAMES, Access
from drcli.watch.viewer.viewer_app import build
from drcli.watch.viewer.viewer_context import ViewerContext


def main() -> None:
    """Serve until a signal."""
    root, host, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
    told = json.loads(env.take(env.DR_VIEWER_START) or '{"token": "", "overrides": []}')
    workspace = find_workspace(Path(root))
    context = ViewerContext(load_settings(workspace, told["overrides"]), workspace)
    Thread(target=_open_store, args=(context,), name="store", daemon=True).start()
    access = Access(told["token"], f"drcli-viewer-{port}", LOOPBACK_NAMES | {host})
    uvicorn.run(  # no access log: the first address contains the token
        build(context, access),
        host=host,
        port=port,
        access_log=False,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=1,
    )


def _open_store(context: ViewerContext) -> None:
    """Once, so that finished models can be seen, too. While we run the embedded store counts us as a user."""
    with suppress(DrError):  # the page says that the store is away
        open_bucket(context.settings, context.workspace)


if __name__ == "__main__":
    main()
