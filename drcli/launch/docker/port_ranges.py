"""Ranges of ports of 127.0.0.1 from which Docker takes one for each worker.

Docker does not try another port of a range if a program outside of containers listens on the one that it has chosen;
the container then does not start. So a range has only ports on which nobody listens.
"""

from __future__ import annotations

import socket
from collections.abc import Collection, Mapping

CAMERA_PORTS = "DRCLI_CAMERA_PORTS"  # of our engine
_RANGES = (CAMERA_PORTS, "DR_ROBOMAKER_TRAIN_PORT", "DR_ROBOMAKER_GUI_PORT")  # of a training's workers
_LOOKED_AT = (range(8080, 8400), range(5900, 6100))


def busy_ports() -> frozenset[int]:
    """Those on which programs of this machine listen, where ranges begin."""
    return frozenset(port for ports in _LOOKED_AT for port in ports if _is_busy(port))


def port_range(first: int, size: int, busy: Collection[int]) -> str:
    """The first range of that size from `first` on without a busy port, as `8080-8089`."""
    while taken := [port for port in range(first, first + size) if port in busy]:
        first = taken[-1] + 1
    return f"{first}-{first + size - 1}"


def for_more(variables: Mapping[str, str], added: int) -> dict[str, str]:
    """The ranges of a running stack's workers, for as many that are added to them."""
    busy = busy_ports()
    found = {name: variables[name].split("-") for name in _RANGES if name in variables}
    return {
        name: port_range(int(first), max(added, int(last) - int(first) + 1), busy)
        for name, (first, last) in found.items()
    }


def _is_busy(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # one that was closed just now is free
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
        return False
