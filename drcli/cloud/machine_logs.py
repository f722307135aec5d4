"""The logs of a job's machines, as far as they have arrived in the bucket; before that, what EC2 has of the console."""

from __future__ import annotations

import re
from collections.abc import Iterator
from time import sleep

from drcli.cloud.cloud_machines import Machine, machines
from drcli.cloud.cloud_overview import JobView
from drcli.errors import DrError

FOLLOW_PAUSE_S = 10.0  # the machine copies its logs once a minute
_TAIL_BYTES = 500  # what is shown is found again by its end, as the machine keeps only the end of a long log
_NUMBERED = re.compile(r"(.*?)(?:\.(\d+))?\.log")
_FIRST_CHOICE = ("run", "machine")


def log_names(view: JobView) -> list[str]:
    """The names of the logs in the bucket."""
    prefix = view.job.keys.logs
    return [info.key.removeprefix(prefix) for info in view.place.bucket.list(prefix)]


def chosen_log(names: list[str], wanted: str | None) -> str:
    """The log with this name; without one that of the run on the newest machine. Raises DrError if there is none."""
    if wanted is not None:
        if wanted not in names:
            raise DrError(f"There is no log {wanted}.", f"There are: {', '.join(names) or 'none yet'}.")
        return wanted
    for stem in _FIRST_CHOICE:
        numbered = [
            (int(found[2] or 1), name)
            for name in names
            if (found := _NUMBERED.fullmatch(name)) and found[1] == stem
        ]
        if numbered:
            return max(numbered)[1]
    return names[0]


def read_log(view: JobView, name: str) -> str:
    """All of a log."""
    return view.place.bucket.get(view.job.keys.logs + name).decode("utf-8", "replace")


def follow_log(view: JobView, name: str) -> Iterator[str]:
    """A log piece by piece as it arrives, until the machine of the job has ended."""
    shown = b""
    key = view.job.keys.logs + name
    while True:
        is_live = live_machine(view) is not None
        content = view.place.bucket.get(key)
        new = _after(content, shown)
        if new:
            yield new.decode("utf-8", "replace")
            shown = content[-_TAIL_BYTES:]
        if not is_live:
            return
        sleep(FOLLOW_PAUSE_S)


def _after(content: bytes, shown: bytes) -> bytes:
    """What follows `shown`; everything if that is not in it."""
    at = content.rfind(shown) if shown else -1
    return content if at < 0 else content[at + len(shown) :]


def live_machine(view: JobView) -> Machine | None:
    """The machine that works on this job now."""
    return next(
        (machine for machine in machines(view.place) if machine.is_live and machine.name == view.job.name),
        None,
    )


def console_output(view: JobView) -> str:
    """What the machine printed to its console while it started, minutes late; empty if EC2 has nothing."""
    machine = live_machine(view)
    if machine is None:
        return ""
    answer = view.place.aws.call("ec2", "get_console_output", InstanceId=machine.instance_id)
    return str(answer.get("Output") or "")
