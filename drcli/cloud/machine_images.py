"""What a type of machine is (processors, memory, GPU, quota), and the image that it starts from.

Images are found by public parameters of AWS Systems Manager, so that every region has its newest one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from drcli.cloud.aws_clients import Aws
from drcli.cloud.cloud_errors import AwsError
from drcli.errors import DrError, UsageError

# documentation.ubuntu.com/aws/aws-how-to/instances/find-ubuntu-images; docs.aws.amazon.com/dlami/latest/devguide
_UBUNTU = "/aws/service/canonical/ubuntu/server/24.04/stable/current/{architecture}/hvm/ebs-gp3/ami-id"
_WITH_NVIDIA = (
    "/aws/service/deeplearning/ami/{architecture}/base-oss-nvidia-driver-gpu-ubuntu-24.04/latest/ami-id"
)
_DEBIAN_WORDS = {"x86_64": "amd64", "arm64": "arm64"}
_ROOM_GB = 20  # for Python, torch and a workspace, beside what the image holds
_SMALLEST_DISK_GB = 30

# Spot quotas count vCPUs per group of families: docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-spot-limits.html
_QUOTAS = (
    (r"(g|vt)\d.*", "L-3819A6DF", "All G and VT Spot Instance Requests"),
    (r"p\d.*", "L-7212CCBC", "All P Spot Instance Requests"),
    (r"dl\d.*", "L-85EED4F7", "All DL Spot Instance Requests"),
    (r"inf\d.*", "L-B5D1601B", "All Inf Spot Instance Requests"),
    (r"trn\d.*", "L-5480EFD2", "All Trn Spot Instance Requests"),
    (r"f\d.*", "L-88CF9481", "All F Spot Instance Requests"),
    (r"x\d.*", "L-E3A00192", "All X Spot Instance Requests"),
)
_STANDARD = ("L-34B43A08", "All Standard (A, C, D, H, I, M, R, T, Z) Spot Instance Requests")


@dataclass(frozen=True)
class MachineType:
    """A type of machine. `gpu` says how many of which; empty without."""

    name: str
    architecture: str  # x86_64 or arm64
    vcpus: int
    memory_gb: float
    gpu: str = ""

    @property
    def words(self) -> str:
        """For people: `4 vCPUs, 8 GB`."""
        return f"{self.vcpus} vCPUs, {self.memory_gb:g} GB" + (f", {self.gpu}" if self.gpu else "")

    @property
    def quota(self) -> tuple[str, str]:
        """Code and name of the quota that counts its vCPUs."""
        for pattern, code, name in _QUOTAS:
            if re.fullmatch(pattern, self.name):
                return code, name
        return _STANDARD


@dataclass(frozen=True)
class MachineImage:
    """An image of a disk, the device that it goes to, and how large that disk has to be."""

    image_id: str
    root_device: str
    disk_gb: int


def machine_types(aws: Aws, names: Sequence[str]) -> list[MachineType]:
    """The types with these names, in this order. Raises UsageError for one that cannot be used."""
    try:
        found = aws.pages("ec2", "describe_instance_types", "InstanceTypes", InstanceTypes=list(names))
    except AwsError as error:
        if error.code not in ("InvalidInstanceType", "InvalidParameterValue"):
            raise
        raise UsageError(
            f"--type: {error.message}",
            "docs/cloud.md names some that do well, such as c7i.xlarge, or g5.xlarge with a GPU.",
        ) from None
    types = {entry["InstanceType"]: entry for entry in found}
    return [_machine_type(types[name]) for name in dict.fromkeys(names)]


def _machine_type(entry: dict[str, object]) -> MachineType:
    facts: dict[str, object] = entry
    name = str(facts["InstanceType"])
    usage = facts.get("SupportedUsageClasses")
    if isinstance(usage, list) and "spot" not in usage:
        raise UsageError(f"--type {name}: there are no spot machines of this type.", "Choose another type.")
    architectures = _entries(facts, "ProcessorInfo", "SupportedArchitectures")
    known = [str(word) for word in architectures if word in _DEBIAN_WORDS]
    if not known:
        raise UsageError(f"--type {name}: drcli does not run on its processor.", "Choose another type.")
    gpus = [gpu for gpu in _entries(facts, "GpuInfo", "Gpus") if isinstance(gpu, dict)]
    other = [gpu for gpu in gpus if gpu.get("Manufacturer") != "NVIDIA"]
    if other:
        maker = other[0].get("Manufacturer")
        raise UsageError(
            f"--type {name}: its GPU is made by {maker}, and torch is installed for those of NVIDIA.",
            "Choose another type, such as g5.xlarge.",
        )
    memory, vcpus = facts["MemoryInfo"], facts["VCpuInfo"]
    assert isinstance(memory, dict) and isinstance(vcpus, dict)  # in every answer of the API
    return MachineType(
        name,
        known[0],
        int(vcpus["DefaultVCpus"]),
        round(memory["SizeInMiB"] / 1024, 1),
        ", ".join(f"{gpu['Count']} × NVIDIA {gpu['Name']}" for gpu in gpus),
    )


def _entries(facts: dict[str, object], part: str, key: str) -> list[object]:
    found = facts.get(part)
    entries = found.get(key) if isinstance(found, dict) else None
    return entries if isinstance(entries, list) else []


def machine_image(aws: Aws, kind: MachineType) -> MachineImage:
    """The newest Ubuntu 24.04 for this type; with NVIDIA's driver if it has a GPU. Raises DrError if there is none."""
    pattern, word = (
        (_WITH_NVIDIA, kind.architecture) if kind.gpu else (_UBUNTU, _DEBIAN_WORDS[kind.architecture])
    )
    parameter = pattern.format(architecture=word)
    try:
        image_id = aws.call("ssm", "get_parameter", Name=parameter)["Parameter"]["Value"]
    except AwsError as error:
        if error.code != "ParameterNotFound":
            raise
        raise DrError(
            f"{aws.region} has no image for {kind.name}: the parameter {parameter} was not found.",
            "Choose another type or region.",
        ) from None
    found = aws.call("ec2", "describe_images", ImageIds=[image_id])["Images"]
    if not found:
        raise DrError(f"The image {image_id} of {parameter} was not found in {aws.region}.")
    device = found[0]["RootDeviceName"]
    sizes = [
        disk["Ebs"].get("VolumeSize", 0)
        for disk in found[0].get("BlockDeviceMappings", ())
        if disk.get("DeviceName") == device and "Ebs" in disk
    ]
    return MachineImage(image_id, device, max(_SMALLEST_DISK_GB, max(sizes, default=0) + _ROOM_GB))
