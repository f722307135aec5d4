"""The folder of logs of a run as a Compose project: workers write there what the reward function prints.

They write as the owner of the workspace. If that is root, they stay the image's own user, who is given the folder:
nothing in our containers runs as root.
"""

from __future__ import annotations

import os
from pathlib import Path

from drcli.launch.docker.stack_spec import StackSpec
from drcli.launch.machine import Machine

FOLDER = "DRCLI_REWARD_LOGS"
_RACER = 1000  # the user of compose/Dockerfile, and its group


def writer(machine: Machine) -> str:
    """Whom the workers are, as `user:` of a compose file; empty: the image's own user."""
    user, group = machine.owner.get("MINIO_UID", ""), machine.owner.get("MINIO_GID", "")
    return f"{user}:{group}" if user not in ("", "0") else ""


def prepare(spec: StackSpec) -> None:
    """Create the folder before Docker does, which would make it root's."""
    if FOLDER not in spec.variables:
        return
    folder = Path(spec.variables[FOLDER])
    folder.mkdir(parents=True, exist_ok=True)
    if hasattr(os, "getuid") and os.getuid() == 0:
        os.chown(folder, _RACER, _RACER)
        for log in folder.glob("*.reward.log"):
            os.chown(log, _RACER, _RACER)
