"""Starts services quickly: imports what they need once, then forks a process for each order on stdin.

`python fork_server.py`. An order is a line of JSON: module, variables, log. The answer is the pid.
"""

from __future__ import annotations

import importlib
import json
import os
import runpy
import signal
import sys

MODULES = (
    "boto3",
    "yaml",
    "drcli.services.sagemaker",
    "drcli.services.robomaker",
    "drcli.services.evaluation",
)


def serve(module: str, variables: dict[str, str], log: str) -> None:
    """Become the service, as `python -m` would."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.environ.clear()
    os.environ.update(variables)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(output, stream)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    del sys.modules[module]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def main() -> None:
    for name in MODULES:
        importlib.import_module(name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody is to become a zombie
    for line in sys.stdin:
        pid = os.fork()
        if not pid:
            serve(**json.loads(line))
            sys.exit()
        print(pid, flush=True)


if __name__ == "__main__":
    main()
