"""Stacks of small programs, real processes under the real supervisor: what a launcher does, without the training."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from drcli.launch import local_process, run_control
from drcli.launch.plan import EmbeddedStore, Kind, Plan, Service
from drcli.launch.processes.run_folder import RunFolder
from drcli.paths import Workspace

_BEGIN = """
import os, signal, sys, time
def leave(code):
    open(os.environ["DR_EXIT_FILE"], "w").write(str(code))
    os._exit(code)
print("ready", os.environ["ROLLOUT_IDX"], os.environ.get("TOY", ""), flush=True)
"""
PROGRAMS = {
    "steady": "signal.signal(signal.SIGTERM, lambda *_: (print('asked to stop', flush=True), leave(0)))\n"
    "while True: signal.pause()",
    "stubborn": "signal.signal(signal.SIGTERM, signal.SIG_IGN)\nwhile True: signal.pause()",
    "patient": "import socket\n"
    "def stop(*_):\n"
    "    while socket.socket().connect_ex(('127.0.0.1', int(os.environ['TOY_PORT']))): time.sleep(0.05)\n"
    "    leave(0)\n"
    "signal.signal(signal.SIGTERM, stop)\n"
    "while True: signal.pause()",
    "done": "leave(0)",
    "crash": "{}['no']",
    "wrong": "print('ERROR: the reward function is wrong\\n  line 2\\nHINT: fix it', flush=True)\nleave(3)",
}
MakePlan = Callable[..., Plan]


@pytest.fixture
def make_plan(workspace: Workspace) -> Iterator[MakePlan]:
    """A plan of programs by service: `make_plan(sagemaker="steady", robomaker="crash")`. Ends what was started."""

    def make(
        *,
        kind: Kind = "training",
        run_id: int = 0,
        prefix: str = "model",
        replicas: int = 1,
        store: EmbeddedStore | None = None,
        **programs: str,
    ) -> Plan:
        services = tuple(
            Service(
                name,
                (sys.executable, "-c", _BEGIN + PROGRAMS[program]),
                {"TOY": name},
                replicas if name == "robomaker" else 1,
            )
            for name, program in programs.items()
        )
        secrets = {"TOY_SECRET": "s3cret"}
        return Plan(kind, run_id, prefix, "drcli_oval", "process", services, store, secrets)

    yield make
    for folder in workspace.runs.glob("*/*"):
        seen = RunFolder(folder, Path()).read_stack()
        if seen is not None:
            for ref in (seen.supervisor, *(replica.process for replica in seen.replicas)):
                if ref.pid != os.getpid():  # a stop without supervisor is done by the one who wants it
                    local_process.kill(ref)
    local_process.reap()


@pytest.fixture
def started(workspace: Workspace, make_plan: MakePlan) -> Callable[..., RunFolder]:
    """Start a plan as commands do."""

    def start(**words: object) -> RunFolder:
        plan = make_plan(**words)
        with run_control.claim(workspace, plan.kind, plan.run_id, plan.prefix):
            return run_control.start(plan, workspace)

    return start
