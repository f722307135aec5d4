"""From an error of Docker or a service to a hint for the user."""

from __future__ import annotations

import re

from drcli.errors import DrError
from drcli.launch.service_errors import last_words

_FIXES = (
    (r"no such image|pull access denied|manifest unknown|no matching manifest|invalid reference format",
     "The image is not on this machine: `dr images list` shows those that are, `dr images build` builds ours, "
     "`docker pull` downloads others."),
    (r"port is already allocated|address already in use|host-mode port already in use",
     "The port is in use. `dr doctor` names the program; another DR_RUN_ID or DR_STORE_PORT uses another port."),
    (r"no suitable node",
     "No node of the swarm can run it: `dr swarm status` shows the labels, `dr swarm label` sets them."),
    (r"could not select device driver|unknown or invalid runtime name: nvidia|nvidia-container-cli",
     "The NVIDIA container runtime is not installed: install nvidia-container-toolkit, or use a CPU image."),
    (r"out of memory|\boom\b|oom-?kill",
     "The machine has too little memory: reduce DR_WORKERS or DR_CARS_PER_WORKER."),
    (r"no space left on device",
     "The disk is full: `docker system df` shows the space used by Docker, `dr models` the size of each model."),
    (r"OCI runtime create failed|exec \S+ failed: no such file|exec format error",
     "The image does not run on this machine: check DR_SIMAPP_SOURCE and DR_SIMAPP_VERSION, or pull it again."),
    (r"network sagemaker-local.*not found|could not find a network",
     "Start it again; a start creates the network."),
    (r"could not connect to the endpoint|cannot be reached|is unreachable|connection refused|name or service not known",
     "The bucket is unreachable from the container: check it with `dr store status` and `dr doctor`."),
    (r"is already in use by container|already exists",
     "Another run has the same id: see `dr status`, or use another DR_RUN_ID."),
)  # fmt: skip


_PROGRESS = re.compile(r"\s*(?:Container|Network|Volume|Creating|Updating)\s+\S+(?:\s+\w+)?\s*$")


def explain(text: str, default: str = "`dr doctor` checks this machine.") -> str:
    """The hint for an error, chosen by its text."""
    return next((fix for pattern, fix in _FIXES if re.search(pattern, text, re.IGNORECASE)), default)


def reason(text: str) -> str:
    """Why `docker compose` or `docker stack` failed: the last lines of its stderr without the progress."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not _PROGRESS.match(line)]
    return "\n".join(lines[-3:]) or "Docker gives no reason."


def why_dead(name: str, code: int | None, said: list[str], *, oom: bool = False, error: str = "") -> DrError:
    """The error for a service that is down: its name, exit code, last log lines, and the likely fix."""
    message, hint = last_words(said)
    if message and not oom:
        return DrError(f"{name}: {message}", hint)
    words = " ran out of memory" if oom else f": {error}" if error else f" ended with exit code {code}"
    last = "".join(f"\n  {line}" for line in said[-5:])
    fix = explain(
        "out of memory" if oom else "\n".join([error, *said]),
        f"`dr logs {name.replace('-', ' -n ')}` shows more.",
    )
    return DrError(f"{name}{words.rstrip('.')}{':' if last else '.'}{last}", fix)
