"""What SkyPilot and AWS Batch are given: loaded by SkyPilot itself, checked against AWS's description of its API."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import botocore.session
import pytest
import yaml
from botocore.validate import ParamValidator

from drcli.cloud.cloud_job import CloudJob
from drcli.cloud.cloud_render import (
    BATCH_FILES,
    BATCH_IMAGE,
    BatchWish,
    SkyWish,
    batch_commands,
    batch_documents,
    sky_task,
)
from drcli.cloud.user_data import machine_script
from drcli.contract.exit_codes import INTERRUPTED, TIME_OVER

JOB = CloudJob("night", "my-bucket", "eu-west-1", ("start-training",), ("DR_SEED=1",), 1.5, False)
WHEEL = "cloud/night/drcli-0.1.0-py3-none-any.whl"
SKYPILOT = os.environ.get("DR_TEST_SKYPILOT", "")  # a folder: pip install --target FOLDER skypilot
LOAD = """
import json, sys
import sky
task = sky.Task.from_yaml(sys.argv[1])
(machine,) = task.resources
print(json.dumps({
    "version": sky.__version__, "name": task.name, "setup": task.setup, "run": task.run,
    "cloud": str(machine.cloud), "region": machine.region, "spot": machine.use_spot, "cpus": machine.cpus,
    "memory": machine.memory, "gpus": machine.accelerators, "recovery": machine.job_recovery,
}))
"""
WISH = BatchWish(
    image=BATCH_IMAGE,
    vcpus=4,
    memory_gb=8,
    gpus=0,
    job_role="arn:aws:iam::123456789012:role/racer",
    instance_role="ecsInstanceRole",
    subnets=("subnet-1",),
    security_groups=("sg-1",),
    instance_types=("c7i", "m7i"),
    max_vcpus=16,
    attempts=5,
)


@pytest.mark.slow
@pytest.mark.parametrize("gpu", ["", "T4:1"])
def test_skypilot_loads_the_task(gpu: str, tmp_path: Path) -> None:
    if not SKYPILOT:
        pytest.skip("DR_TEST_SKYPILOT is not set: a folder made by pip install --target FOLDER skypilot")
    path = tmp_path / "sky.yaml"
    path.write_text(yaml.safe_dump(sky_task(JOB, WHEEL, SkyWish(4, 8, gpu))))
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": SKYPILOT}
    done = subprocess.run(
        [sys.executable, "-c", LOAD, str(path)], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout.splitlines()[-1])
    assert (seen["name"], seen["cloud"], seen["region"], seen["spot"]) == ("night", "AWS", "eu-west-1", True)
    assert (seen["cpus"], seen["memory"]) == ("4+", "8+")
    assert seen["gpus"] == ({"T4": 1} if gpu else None)
    assert seen["recovery"]["recover_on_exit_codes"] == [INTERRUPTED]
    assert WHEEL in seen["setup"] and "machine_agent" in seen["run"]


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
@pytest.mark.parametrize("step", ["install", "run"])
def test_the_commands_write_the_script_and_run_it(step: Any, tmp_path: Path) -> None:
    task = sky_task(JOB, WHEEL, SkyWish(4, 8))
    commands = task["setup" if step == "install" else "run"]
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "bash").write_text('#!/bin/sh\necho "$@"\nexit 75\n')
    (tmp_path / "bin" / "bash").chmod(0o755)
    environment = {"HOME": str(tmp_path), "PATH": f"{tmp_path}/bin:{os.environ['PATH']}"}
    bash = shutil.which("bash") or ""
    done = subprocess.run(
        [bash, "-c", commands], env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.strip()) == (75, f"{tmp_path}/drcli-{step}.sh")
    written = (tmp_path / f"drcli-{step}.sh").read_text()
    assert written == machine_script(JOB, WHEEL, steps=(step,))
    assert "ENDS_MACHINE=no\n" in written and f"STEPS={step}\n" in written


OPERATIONS = dict(
    zip(BATCH_FILES, ("CreateComputeEnvironment", "CreateJobQueue", "RegisterJobDefinition"), strict=True)
)


@pytest.mark.parametrize("gpus", [0, 1])
@pytest.mark.parametrize("name", BATCH_FILES)
def test_aws_batch_takes_the_documents(name: str, gpus: int) -> None:
    document = batch_documents(JOB, WHEEL, WISH.__class__(**vars(WISH) | {"gpus": gpus}))[name]
    model = botocore.session.Session().get_service_model("batch")
    shape = model.operation_model(OPERATIONS[name]).input_shape
    report = ParamValidator().validate(json.loads(json.dumps(document)), shape)
    assert not report.has_errors(), report.generate_report()
    unknown = {"noSuchKey": 1} | document
    assert set(unknown) - set(shape.members) == {"noSuchKey"}
    assert not _unknown_keys(document, shape) and _wrong_choices(document, shape) == []


def _unknown_keys(value: Any, shape: Any) -> set[str]:
    """Keys that the API does not know, at any depth; botocore sends them as they are."""
    if shape.type_name == "list":
        return {key for item in value for key in _unknown_keys(item, shape.member)}
    if shape.type_name != "structure":
        return set()
    inner = [_unknown_keys(value[key], shape.members[key]) for key in value if key in shape.members]
    return (set(value) - set(shape.members)).union(*inner)


def _wrong_choices(value: Any, shape: Any) -> list[str]:
    """Texts that are none of the choices that the API has."""
    if shape.type_name == "list":
        return [wrong for item in value for wrong in _wrong_choices(item, shape.member)]
    if shape.type_name == "structure":
        return [wrong for key in value for wrong in _wrong_choices(value[key], shape.members[key])]
    choices = getattr(shape, "enum", None)
    return [value] if choices and value not in choices else []


def test_batch_starts_a_run_again_only_if_its_machine_was_taken_back() -> None:
    definition = batch_documents(JOB, WHEEL, WISH)["job-definition.json"]
    rules = definition["retryStrategy"]["evaluateOnExit"]
    assert {"onStatusReason": "Host EC2*", "action": "RETRY"} in rules
    codes = {rule["onExitCode"]: rule["action"] for rule in rules if "onExitCode" in rule}
    assert codes == {str(INTERRUPTED): "RETRY"} and str(TIME_OVER) not in codes
    assert rules[-1] == {"onReason": "*", "action": "EXIT"}
    assert definition["timeout"]["attemptDurationSeconds"] == 5400
    (_, _, script) = definition["containerProperties"]["command"]
    assert "ENDS_MACHINE=no\n" in script and len(json.dumps(definition)) < 20_000


def test_the_commands_name_what_the_documents_create() -> None:
    documents = batch_documents(JOB, WHEEL, WISH)
    commands = batch_commands(JOB, "data/cloud/night")
    assert len(commands) == 4 and all("--region eu-west-1" in line for line in commands)
    for name, line in zip(BATCH_FILES, commands, strict=False):
        assert line.endswith(f"file://data/cloud/night/{name}")
    queue = documents["job-queue.json"]
    environment = documents["compute-environment.json"]["computeEnvironmentName"]
    assert queue["computeEnvironmentOrder"] == [{"order": 1, "computeEnvironment": environment}]
    assert f"--job-queue {queue['jobQueueName']} " in commands[-1]
    assert commands[-1].endswith(documents["job-definition.json"]["jobDefinitionName"])
