"""The script that a rented machine runs after its start: arm its end, install drcli from the bucket, do the job.

It holds no secret: what it needs from the bucket it fetches with the machine's role. Pure.
"""

from __future__ import annotations

import math
import shlex
from pathlib import Path
from typing import Literal

from drcli.cloud.cloud_job import CloudJob
from drcli.cloud.job_command import command_name

MAX_BYTES = 16 << 10  # the limit of EC2 for user data
_SCRIPT = Path(__file__).with_name("machine.sh")

_EXTRA_PACKAGES = {"tune": "optuna"}  # that drcli does not need for everything else

Step = Literal["install", "run"]


def user_data(job: CloudJob, wheel_key: str, python_packages_ready: bool) -> str:
    """The script for a machine of our own, which it turns off at the end, and when the job's hours are over.

    python_packages_ready: the packages that drcli needs are installed in the Python of the machine's image.
    """
    return machine_script(job, wheel_key, python_packages_ready=python_packages_ready, ends_machine=True)


def machine_script(
    job: CloudJob,
    wheel_key: str,
    *,
    python_packages_ready: bool = False,
    ends_machine: bool = False,
    steps: tuple[Step, ...] = ("install", "run"),
) -> str:
    """The same script for a machine or a container that somebody else ends, or only some of its steps."""
    variables = {
        "BUCKET": job.bucket,
        "REGION": job.region,
        "ENDPOINT_URL": job.endpoint_url or "",
        "JOB_KEY": job.keys.job,
        "STATE_KEY": job.keys.state,
        "LOGS_PREFIX": job.keys.logs,
        "WHEEL_KEY": wheel_key,
        "MINUTES": str(max(1, math.ceil(job.hours * 60))),
        "PACKAGES_READY": "yes" if python_packages_ready else "no",
        "EXTRA_PACKAGES": _EXTRA_PACKAGES.get(command_name(job), ""),
        "ENDS_MACHINE": "yes" if ends_machine else "no",
        "STEPS": " ".join(steps),
    }
    lines = "".join(f"{name}={shlex.quote(value)}\n" for name, value in variables.items())
    return f"#!/bin/bash\n{lines}{_SCRIPT.read_text(encoding='utf-8')}"
