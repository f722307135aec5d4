"""What the community's stacks need of the machine itself: folders that they mount, and its X server."""

from __future__ import annotations

import re
from pathlib import Path

from drcli.errors import DrError
from drcli.launch.docker.stack_spec import StackSpec

_MOUNTS = ("DR_ROBOMAKER_MOUNT_SIMAPP_DIR", "DR_ROBOMAKER_MOUNT_SCRIPTS_DIR")
_SAGEMAKER = Path("/tmp/sagemaker")  # rl_coach knows no other
_X_SOCKETS = Path("/tmp/.X11-unix")


def check_host(spec: StackSpec) -> None:
    """DrError when this machine lacks a folder or an X server that the stack asks for; touches nothing."""
    for name in _MOUNTS:
        folder = spec.variables.get(name)
        if folder is not None and not Path(folder).is_dir():
            raise DrError(
                f"{name}: there is no folder {folder}.", f"Make it, or take {name} out of system.env."
            )
    if "DR_HOST_X" in spec.variables:
        _check_x(spec.variables["DISPLAY"], spec.variables.get("XAUTHORITY"))


def prepare(spec: StackSpec) -> None:
    """Make the folders that the stack writes to. Only before a start: the one that workers number themselves in is
    emptied.
    """
    if "DRCLI_DOCKER_SOCKET" in spec.variables:
        _SAGEMAKER.mkdir(exist_ok=True)
    if "DR_MOUNT_DIR" in spec.variables:
        Path(spec.variables["DR_MOUNT_DIR"]).mkdir(parents=True, exist_ok=True)
    if "DRCLI_COMMS" in spec.variables:
        comms = Path(spec.variables["DRCLI_COMMS"])
        comms.mkdir(parents=True, exist_ok=True)
        for left in comms.iterdir():
            left.unlink()


def _check_x(display: str, xauthority: str | None) -> None:
    if not display:
        raise DrError("DR_HOST_X=True, and there is no X display.", "Set DR_DISPLAY, for example to :0.")
    local = re.fullmatch(r"(?:unix)?:(\d+)(?:\.\d+)?", display)
    if local and not (_X_SOCKETS / f"X{local[1]}").exists():
        raise DrError(
            f"DR_HOST_X=True, and no X server runs at {display}.",
            "Start one, or set DR_DISPLAY to that which runs.",
        )
    if xauthority is not None and not Path(xauthority).is_file():
        raise DrError(
            f"DR_HOST_X=True, and there is no {xauthority}, without which the X server lets nobody in.",
            "XAUTHORITY names the file; `xauth list` shows what is in it.",
        )
