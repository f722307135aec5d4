"""Stacks of small programs, real processes under the real supervisor: what a launcher does, without the training."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from drcli.contract.run_name import RunKind, replica_name
from drcli.launch import local_process, run_control
from drcli.launch.processes.process_folder import ProcessFolder
from drcli.launch.processes.process_plan import EmbeddedServer, ProcessPlan, Service
from drcli.paths import Workspace

_BEGIN = """
import os, signal, sys, time
def leave(code):
    open(os.environ["DR_EXIT_FILE"], "w").write(str(code))
    os._exit(code)
def ready():
    print("ready", os.environ["ROLLOUT_IDX"], os.environ["TOY"], flush=True)
def wait_for_the_others():
    for log in filter(None, os.environ["TOY_OTHERS"].split(os.pathsep)):
        while not (os.path.exists(log) and "ready" in open(log).read()):
            time.sleep(0.02)
"""
PROGRAMS = {
    "steady": "signal.signal(signal.SIGTERM, lambda *_: (print('asked to stop', flush=True), leave(0)))\n"
    "ready()\n"
    "while True: signal.pause()",
    "stubborn": "signal.signal(signal.SIGTERM, signal.SIG_IGN)\nready()\nwhile True: signal.pause()",
    "patient": "import socket\n"
    "def stop(*_):\n"
    "    while socket.socket().connect_ex(('127.0.0.1', int(os.environ['TOY_PORT']))): time.sleep(0.05)\n"
    "    leave(0)\n"
    "signal.signal(signal.SIGTERM, stop)\n"
    "ready()\n"
    "while True: signal.pause()",
    "done": "ready()\nwait_for_the_others()\nleave(0)",
    "crash": "ready()\n{}['no']",
    "wrong": "ready()\nwait_for_the_others()\n"
    "print('ERROR: the reward function is wrong\\n  line 2\\nHINT: fix it', flush=True)\nleave(3)",
}
MakePlan = Callable[..., ProcessPlan]


@pytest.fixture
def make_plan(workspace: Workspace) -> Iterator[MakePlan]:
    """A plan of programs by service: `make_plan(sagemaker="steady", robomaker="crash")`. Ends what was started."""

    def make(
        *,
        kind: RunKind = "training",
        run_id: int = 0,
        prefix: str = "model",
        replicas: int = 1,
        store: EmbeddedServer | None = None,
        **programs: str,
    ) -> ProcessPlan:
        numbers = {name: replicas if name == "robomaker" else 1 for name in programs}
        folder = ProcessFolder.of(workspace, kind, run_id)
        logs = {
            name: [str(folder.log(replica_name(name, index))) for index in range(number)]
            for name, number in numbers.items()
        }
        services = tuple(
            Service(
                name,
                (sys.executable, "-c", _BEGIN + PROGRAMS[program]),
                {
                    "TOY": name,
                    "TOY_OTHERS": os.pathsep.join(log for n in logs if n != name for log in logs[n]),
                },
                numbers[name],
            )
            for name, program in programs.items()
        )
        secrets = {"TOY_SECRET": "s3cret"}
        return ProcessPlan(
            kind=kind,
            run_id=run_id,
            prefix=prefix,
            world_name="drcli_oval",
            style="process",
            main="sagemaker" if kind == "training" else "robomaker",
            services=services,
            store=store,
            secrets=secrets,
        )

    yield make
    for folder in workspace.runs.glob("*/*"):
        seen = ProcessFolder(folder, Path()).read_state()
        if seen is not None:
            for ref in (seen.supervisor, *(replica.process for replica in seen.replicas)):
                if ref.pid != os.getpid():  # a stop without supervisor is done by the one who wants it
                    local_process.kill(ref)
    local_process.reap()


@pytest.fixture
def started(workspace: Workspace, make_plan: MakePlan) -> Callable[..., ProcessFolder]:
    """Start a plan as commands do."""

    def start(**words: object) -> ProcessFolder:
        plan = make_plan(**words)
        with run_control.claim(plan, workspace):
            return ProcessFolder.at(run_control.start(plan, workspace))

    return start
