"""The same job for tools that rent machines themselves: a task of SkyPilot, or the documents of AWS Batch. Pure.

Both run the script of `drcli.cloud.user_data`, but end their machines themselves. A run that was interrupted ends with
the exit code 75; both start it again on another machine, where it continues from the bucket.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import drcli
from drcli.cloud.cloud_job import CloudJob
from drcli.cloud.user_data import Step, machine_script
from drcli.contract.exit_codes import INTERRUPTED

BATCH_IMAGE = "public.ecr.aws/docker/library/python:3.12-slim"
BATCH_QUEUE = "drcli-spot"
BATCH_FILES = ("compute-environment.json", "job-queue.json", "job-definition.json")
_DISK_GB = 50
_SHARED_MEMORY_MB = 1024
_IDLE_MINUTES = 10
_END = "END_OF_DRCLI_SCRIPT"


@dataclass(frozen=True)
class SkyWish:
    """The machine for SkyPilot: vCPUs and GB of memory at least; gpu: such as T4:1, empty for none."""

    vcpus: int
    memory_gb: int
    gpu: str = ""


@dataclass(frozen=True)
class BatchWish:
    """What AWS Batch has to know: the container, the roles, the network, the machines; attempts: 1 to 10.

    instance_types: of the machines, or families; max_vcpus: of all machines of the queue together.
    """

    image: str
    vcpus: int
    memory_gb: int
    gpus: int
    job_role: str
    instance_role: str
    subnets: tuple[str, ...]
    security_groups: tuple[str, ...]
    instance_types: tuple[str, ...]
    max_vcpus: int
    attempts: int


def sky_task(job: CloudJob, wheel_key: str, wish: SkyWish) -> dict[str, Any]:
    """The task, for `sky jobs launch` or `sky launch`: docs.skypilot.co, "Task YAML".

    setup installs drcli, run does the job. A managed job (`sky jobs launch`) recovers after a preemption: SkyPilot
    repeats both on another machine, also in other zones of the region.
    """
    machine: dict[str, Any] = {
        "infra": f"aws/{job.region}",
        "cpus": f"{wish.vcpus}+",
        "memory": f"{wish.memory_gb}+",
        "use_spot": True,
        "disk_size": _DISK_GB,
        "autostop": {"idle_minutes": _IDLE_MINUTES, "down": True},
        "job_recovery": {"recover_on_exit_codes": [INTERRUPTED], "max_restarts_on_errors": 0},
        "labels": {"drcli": drcli.__version__, "drcli-name": job.name},
    }
    if wish.gpu:
        machine["accelerators"] = wish.gpu
    return {
        "name": job.name,
        "resources": machine,
        "num_nodes": 1,
        "setup": _as_file(job, wheel_key, "install"),
        "run": _as_file(job, wheel_key, "run"),
    }


def batch_documents(job: CloudJob, wheel_key: str, wish: BatchWish) -> dict[str, dict[str, Any]]:
    """File name → document for `aws batch OPERATION --cli-input-json`, in the order in which they are created."""
    documents = (_compute_environment(wish), _job_queue(), _job_definition(job, wheel_key, wish))
    return dict(zip(BATCH_FILES, documents, strict=True))


def batch_commands(job: CloudJob, folder: str) -> tuple[str, ...]:
    """The commands that create what the documents in a folder describe, and submit the job."""
    region = f"--region {job.region}"
    created = zip(
        ("create-compute-environment", "create-job-queue", "register-job-definition"),
        BATCH_FILES,
        strict=True,
    )
    return (
        *(f"aws batch {what} {region} --cli-input-json file://{folder}/{name}" for what, name in created),
        f"aws batch submit-job {region} --job-name {job.name} --job-queue {BATCH_QUEUE} "
        f"--job-definition {definition_name(job)}",
    )


def definition_name(job: CloudJob) -> str:
    """The name of the job definition."""
    return f"drcli-{job.name}"


def _as_file(job: CloudJob, wheel_key: str, step: Step) -> str:
    """Commands that write the script to a file and run that, apart from SkyPilot's own script around them."""
    script = machine_script(job, wheel_key, steps=(step,))
    path = f"~/drcli-{step}.sh"
    return f"cat >{path} <<'{_END}'\n{script}{_END}\nbash {path} </dev/null\n"


def _job_definition(job: CloudJob, wheel_key: str, wish: BatchWish) -> dict[str, Any]:
    resources = {"VCPU": wish.vcpus, "MEMORY": wish.memory_gb * 1024, "GPU": wish.gpus}
    return {
        "jobDefinitionName": definition_name(job),
        "type": "container",
        "platformCapabilities": ["EC2"],
        "containerProperties": {
            "image": wish.image,
            "command": ["bash", "-c", machine_script(job, wheel_key)],
            "jobRoleArn": wish.job_role,
            "resourceRequirements": [
                {"type": name, "value": str(value)} for name, value in resources.items() if value
            ],
            "linuxParameters": {"initProcessEnabled": True, "sharedMemorySize": _SHARED_MEMORY_MB},
        },
        "retryStrategy": {
            "attempts": wish.attempts,
            "evaluateOnExit": [
                # What Batch says when a spot machine was taken back: docs.aws.amazon.com/batch, "Automated job retries"
                {"onStatusReason": "Host EC2*", "action": "RETRY"},
                {"onExitCode": str(INTERRUPTED), "action": "RETRY"},
                {"onReason": "*", "action": "EXIT"},
            ],
        },
        "timeout": {"attemptDurationSeconds": max(60, math.ceil(job.hours * 3600))},
        "propagateTags": True,
        "tags": _tags() | {"drcli:name": job.name},
    }


def _compute_environment(wish: BatchWish) -> dict[str, Any]:
    return {
        "computeEnvironmentName": BATCH_QUEUE,
        "type": "MANAGED",
        "state": "ENABLED",
        "computeResources": {
            "type": "SPOT",
            "allocationStrategy": "SPOT_PRICE_CAPACITY_OPTIMIZED",
            "minvCpus": 0,  # nothing runs, and nothing costs, while there is no job
            "desiredvCpus": 0,
            "maxvCpus": wish.max_vcpus,
            "instanceTypes": list(wish.instance_types),
            "subnets": list(wish.subnets),
            "securityGroupIds": list(wish.security_groups),
            "instanceRole": wish.instance_role,
            "tags": _tags(),
        },
        "tags": _tags(),
    }


def _job_queue() -> dict[str, Any]:
    return {
        "jobQueueName": BATCH_QUEUE,
        "state": "ENABLED",
        "priority": 1,
        "computeEnvironmentOrder": [{"order": 1, "computeEnvironment": BATCH_QUEUE}],
        "tags": _tags(),
    }


def _tags() -> dict[str, str]:
    return {"drcli": drcli.__version__}
