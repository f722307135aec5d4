"""Health check of a service: `python -m drcli.services.health`, run by Docker every few seconds.

Looks at the file of `drcli.services.shared.heartbeat`. Imports nothing heavy.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import psutil

from drcli.services.shared.heartbeat import heartbeat_file

MAX_AGE_S = 60.0
_SLACK_S = 1.0  # clocks of processes are coarse


def fault(path: Path, container_started: float) -> str:
    """Return what is wrong with the service that touches `path`; empty if it is healthy.

    container_started: seconds since the epoch.
    """
    try:
        touched = path.stat().st_mtime
    except OSError:
        return "The service is not ready yet."
    if touched < container_started - _SLACK_S:  # left over from before the container was restarted
        return "The service is not ready again yet."
    age_s = time.time() - touched
    return "" if age_s < MAX_AGE_S else f"The service was last heard of {age_s:.0f} s ago."


def main() -> None:
    """Exit with 0 if the service is healthy; otherwise print why not and exit with 1."""
    said = fault(heartbeat_file(), psutil.Process(1).create_time() if sys.platform == "linux" else 0.0)
    if said:
        sys.stdout.write(f"{said}\n")
        sys.exit(1)


if __name__ == "__main__":
    main()
