"""What the community's stacks need on the machine: the folders that they mount, and its X server."""

from __future__ import annotations

import re
from pathlib import Path

from drcli.errors import DrError
from drcli.launch.docker.stack_spec import StackSpec

_MOUNTS = ("DR_ROBOMAKER_MOUNT_SIMAPP_DIR", "DR_ROBOMAKER_MOUNT_SCRIPTS_DIR")
_SAGEMAKER = Path("/tmp/sagemaker")  # hard-coded in rl_coach
_X_SOCKETS = Path("/tmp/.X11-unix")


def check_host(spec: StackSpec) -> None:
    """Raises DrError if a folder or X server that the stack needs is missing; changes nothing."""
    for name in _MOUNTS:
        folder = spec.variables.get(name)
        if folder is not None and not Path(folder).is_dir():
            raise DrError(
                f"{name}: there is no folder {folder}.", f"Create it, or remove {name} from system.env."
            )
    if "DR_HOST_X" in spec.variables:
        _check_x(spec.variables["DISPLAY"], spec.variables.get("XAUTHORITY"))


def prepare(spec: StackSpec) -> None:
    """Create the folders that the stack writes to. Only for a start: it empties the folder for worker numbers."""
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
        raise DrError("DR_HOST_X=True, but there is no X display.", "Set DR_DISPLAY, for example to :0.")
    local = re.fullmatch(r"(?:unix)?:(\d+)(?:\.\d+)?", display)
    if local and not (_X_SOCKETS / f"X{local[1]}").exists():
        raise DrError(
            f"DR_HOST_X=True, but no X server is running at {display}.",
            "Start one, or set DR_DISPLAY to the display that is running.",
        )
    if xauthority is not None and not Path(xauthority).is_file():
        raise DrError(
            f"DR_HOST_X=True, but there is no {xauthority}, without which the X server refuses connections.",
            "Set XAUTHORITY to the file; `xauth list` shows its entries.",
        )
