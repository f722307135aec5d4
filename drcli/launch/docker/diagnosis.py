"""From what Docker or a service said to what the user can do about it."""

from __future__ import annotations

import re

from drcli.errors import DrError
from drcli.launch.service_errors import last_words

_FIXES = (
    (r"no such image|pull access denied|manifest unknown|no matching manifest|invalid reference format",
     "The image is not on this machine: `dr images list` shows those that are, `dr images build` builds ours, "
     "`docker pull` fetches another."),
    (r"port is already allocated|address already in use|host-mode port already in use",
     "Another program has the port. `dr doctor` names it; another DR_RUN_ID or DR_STORE_PORT takes another port."),
    (r"no suitable node",
     "No node of the swarm may run it: `dr swarm status` shows the labels, `dr swarm label` sets them."),
    (r"could not select device driver|unknown or invalid runtime name: nvidia|nvidia-container-cli",
     "There is no NVIDIA container runtime here: install nvidia-container-toolkit, or use an image for the CPU."),
    (r"out of memory|\boom\b|oom-?kill",
     "The machine has too little memory: fewer DR_WORKERS or DR_CARS_PER_WORKER need less."),
    (r"no space left on device",
     "The disk is full: `docker system df` shows what Docker takes, `dr models` what each model takes."),
    (r"OCI runtime create failed|exec \S+ failed: no such file|exec format error",
     "The image holds no engine that runs here: look at DR_SIMAPP_SOURCE and DR_SIMAPP_VERSION, or fetch it again."),
    (r"network sagemaker-local.*not found|could not find a network",
     "Start it again; the network is made at the start."),
    (r"could not connect to the endpoint|is unreachable|cannot be reached|connection refused|name or service not known",
     "The bucket cannot be reached from the container: `dr store status` and `dr doctor` look at it."),
    (r"is already in use by container|already exists",
     "Another run of the same number is there: `dr status`, or another DR_RUN_ID."),
)  # fmt: skip


_PROGRESS = re.compile(r"\s*(?:Container|Network|Volume|Creating|Updating)\s+\S+(?:\s+\w+)?\s*$")


def explain(text: str, default: str = "`dr doctor` checks this machine.") -> str:
    """What to do about an error, by what is said in it."""
    return next((fix for pattern, fix in _FIXES if re.search(pattern, text, re.IGNORECASE)), default)


def reason(text: str) -> str:
    """Why `docker compose` or `docker stack` failed, by what it wrote to stderr: not what it did before that."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not _PROGRESS.match(line)]
    return "\n".join(lines[-3:]) or "Docker does not say why."


def why_dead(name: str, code: int | None, said: list[str], *, oom: bool = False, error: str = "") -> DrError:
    """A service that is down: which, its exit code, the last lines of its log, the likely fix."""
    message, hint = last_words(said)
    if message and not oom:
        return DrError(f"{name}: {message}", hint)
    words = " ran out of memory" if oom else f": {error}" if error else f" has ended with exit code {code}"
    last = "".join(f"\n  {line}" for line in said[-5:])
    fix = explain(
        "out of memory" if oom else "\n".join([error, *said]),
        f"`dr logs {name.replace('-', ' -n ')}` shows more.",
    )
    return DrError(f"{name}{words.rstrip('.')}{':' if last else '.'}{last}", fix)
