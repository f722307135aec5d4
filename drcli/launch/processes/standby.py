"""A supervisor on standby: it imports a run's services while the command that starts the run still checks everything.

The services are then forked from it, complete with their imports: torch's alone take longer than all checks. That is
safe on Linux only; elsewhere, and under a supervisor that replaces another, services are programs of their own.

`python -m drcli.launch.processes.standby MODULE …` waits for an `Order`: one line of JSON on its standard input.
"""

from __future__ import annotations

import gc
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path

from drcli import env
from drcli.contract.service_variables import FIXED
from drcli.launch import local_process
from drcli.launch.processes.process_folder import ProcessFolder
from drcli.launch.processes.supervisor import supervise
from drcli.local import ProcessRef

_waiting: list[local_process.Listener] = []  # at most one


@dataclass(frozen=True)
class Order:
    """The folders of the run to supervise, and its secrets, which are in no file and on no command line."""

    run: str
    logs: str
    secrets: Mapping[str, str]


@contextmanager
def waiting(modules: Sequence[str]) -> Iterator[None]:
    """Have a supervisor that imports these modules and waits to `take_over`; dismissed when nobody asked it to."""
    if sys.platform != "linux":
        yield
        return
    command = (sys.executable, "-m", __name__, *modules)
    standby = local_process.Listener(command, FIXED)  # OpenMP and Python read these once, when they start
    _waiting.append(standby)
    try:
        yield
    finally:
        if standby in _waiting:
            _waiting.remove(standby)
            standby.dismiss()


def take_over(folder: ProcessFolder, secrets: Mapping[str, str]) -> ProcessRef | None:
    """Let the one that waits supervise the run; None if there is none, or no longer."""
    if not _waiting:
        return None
    order = Order(str(folder.path), str(folder.logs), secrets)
    return _waiting.pop().tell(json.dumps(asdict(order)))


def main() -> None:
    """Import the modules, wait for the order, supervise. Without an order the command has failed."""
    gc.disable()  # imports leave next to nothing to collect
    loaded = frozenset(filter(_can_import, sys.argv[1:]))
    gc.enable()
    gc.freeze()  # what the services share stays shared
    line = sys.stdin.readline()
    if not line:
        return
    order = Order(**json.loads(line))
    env.add(order.secrets)
    folder = ProcessFolder(Path(order.run), Path(order.logs))
    local_process.log_to(folder.supervisor_log)
    supervise(folder, loaded)


def _can_import(name: str) -> bool:
    """Import a module; one that fails will fail again as a program, and say why in its own log."""
    with suppress(ImportError, OSError):
        import_module(name)
        return True
    return False


if __name__ == "__main__":
    main()
