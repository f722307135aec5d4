"""An account of AWS in this process (moto), a workspace in a shell, and answers of AWS that moto cannot give."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import chdir
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import boto3
import botocore.handlers
import botocore.loaders
import botocore.session
import pytest
from botocore.awsrequest import AWSResponse
from click.testing import CliRunner, Result
from moto import mock_aws
from moto.core import DEFAULT_ACCOUNT_ID
from moto.ec2.models import amis
from moto.ssm.models import Parameter, ssm_backends
from racing import TINY_TRACK

from drcli.cli import main
from drcli.cloud import aws_clients
from drcli.paths import Workspace

REGION = "eu-central-1"
BUCKET = "racer-models"
_UBUNTU = "/aws/service/canonical/ubuntu/server/24.04/stable/current/{}/hvm/ebs-gp3/ami-id"
_NVIDIA = "/aws/service/deeplearning/ami/x86_64/base-oss-nvidia-driver-gpu-ubuntu-24.04/latest/ami-id"
IMAGES = {
    _UBUNTU.format("amd64"): "ami-0000000000000amd6",
    _UBUNTU.format("arm64"): "ami-0000000000000arm6",
    _NVIDIA: "ami-0000000000000gpu0",
}
HARMLESS = {
    "ec2": b"Action=DescribeRegions&Version=2016-11-15",
    "iam": b"Action=ListUsers&Version=2010-05-08",
    "sts": b"Action=GetCallerIdentity&Version=2011-06-15",
}
MakeAnswer = Callable[..., Any]
_LOADER = botocore.loaders.create_loader()  # one for all: reading about EC2 alone takes half a second


class _Body(BytesIO):
    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


def answer(request: Any, status: int, body: str, **headers: str) -> AWSResponse:
    """A response as it comes from the network."""
    return AWSResponse(request.url, status, {"date": _http_date(), **headers}, _Body(body.encode()))


def ec2_error(code: str, message: str = "No.", status: int = 400, **headers: str) -> MakeAnswer:
    """What EC2 answers when it refuses."""
    body = (
        f"<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>"
        "<RequestID>1</RequestID></Response>"
    )
    return lambda request, **_: answer(request, status, body, **headers)


def query_error(code: str, message: str = "No.", status: int = 403, **headers: str) -> MakeAnswer:
    """What IAM and STS answer when they refuse."""
    body = (
        f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
        "<RequestId>1</RequestId></ErrorResponse>"
    )
    return lambda request, **_: answer(request, status, body, **headers)


def _body(request: Any) -> bytes:
    return request.body.encode() if isinstance(request.body, str) else bytes(request.body or b"")


def _http_date() -> str:
    return datetime.now(UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")


@dataclass
class Account:
    """An account of AWS: clients to look at it, and hooks for what moto cannot answer."""

    hooks: list[tuple[str, Any]]

    def client(self, service: str, region: str = REGION) -> Any:
        return boto3.client(service, region_name=region)

    def on(self, operation: str, respond: MakeAnswer) -> None:
        """Respond to `service.Operation` with `respond`; None from it lets moto answer."""

        def instead(request: Any, **more: Any) -> Any:
            response = respond(request, **more)
            if response is not None and b"Action=" in _body(request):
                # moto is asked, too, though its answer is not used: it must not carry the request out
                request.body = HARMLESS[operation.partition(".")[0]]
            return response

        hook = (f"before-send.{operation}", instead)
        self.hooks.append(hook)
        botocore.handlers.BUILTIN_HANDLERS.append(hook)
        aws_clients._client.cache_clear()

    def instances(self) -> list[dict[str, Any]]:
        pages = self.client("ec2").describe_instances()["Reservations"]
        return [entry for page in pages for entry in page["Instances"]]

    def live(self) -> list[dict[str, Any]]:
        return [entry for entry in self.instances() if entry["State"]["Name"] in ("pending", "running")]

    def keys(self, prefix: str = "", bucket: str = BUCKET) -> list[str]:
        found = self.client("s3").list_objects_v2(Bucket=bucket, Prefix=prefix)
        return [entry["Key"] for entry in found.get("Contents", ())]

    def document(self, key: str) -> Any:
        return json.loads(self.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read())

    def put(self, key: str, content: bytes) -> None:
        self.client("s3").put_object(Bucket=BUCKET, Key=key, Body=content)


def _price_list(request: Any, **_: Any) -> AWSResponse:
    """An entry of the price list, as the API returns it (moto has no pricing)."""
    dimension = {"unit": "Hrs", "pricePerUnit": {"USD": "0.2038000000"}}
    product = {"terms": {"OnDemand": {"A": {"priceDimensions": {"A.1": dimension}}}}}
    return answer(request, 200, json.dumps({"FormatVersion": "aws_v1", "PriceList": [json.dumps(product)]}))


def _images() -> list[dict[str, Any]]:
    """The images behind these parameters, in place of moto's thousand."""
    common = {
        "description": "",
        "owner_id": "099720109477",
        "public": True,
        "virtualization_type": "hvm",
        "state": "available",
        "platform": None,
        "image_type": "machine",
        "hypervisor": "xen",
        "root_device_name": "/dev/sda1",
        "root_device_type": "ebs",
        "sriov": "simple",
        "creation_date": "2026-11-01T00:00:00.000Z",
    }
    return [
        {**common, "ami_id": image, "name": image, "architecture": "arm64" if "arm64" in name else "x86_64"}
        for name, image in IMAGES.items()
    ]


def _publish() -> None:
    """Public parameters of AWS itself, which moto does not have, or only with thousands of others."""
    now = datetime.now(UTC)
    for name, image in IMAGES.items():
        parameter = Parameter(DEFAULT_ACCOUNT_ID, name, image, "String", None, None, None, now, 1, "text")
        ssm_backends[DEFAULT_ACCOUNT_ID][REGION]._parameters[name].append(parameter)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    """An account with a bucket, without waiting for networks and roles."""
    from drcli.cloud import cloud_end, cloud_start
    from drcli.store.store_config import connect

    monkeypatch.setattr(aws_clients, "PAUSE_S", 0.0)
    monkeypatch.setattr(cloud_start, "ROLE_PAUSE_S", 0.0)
    monkeypatch.setattr(cloud_end, "END_PAUSE_S", 0.0)
    hooks: list[tuple[str, Any]] = []
    monkeypatch.setattr(botocore.session, "create_loader", lambda _paths=None: _LOADER)
    monkeypatch.setattr(amis, "AMIS", _images())
    monkeypatch.setenv("MOTO_AMIS_PATH", "those above and no others")
    with mock_aws():
        account = Account(hooks)
        aws_clients._client.cache_clear()
        connect.cache_clear()
        place = {"LocationConstraint": REGION}
        account.client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration=place)
        _publish()
        account.on("pricing.GetProducts", _price_list)
        yield account
    for hook in hooks:
        botocore.handlers.BUILTIN_HANDLERS.remove(hook)
    aws_clients._client.cache_clear()
    connect.cache_clear()


@dataclass(frozen=True)
class Shell:
    """Somebody with a workspace whose bucket is on AWS."""

    root: Path

    @property
    def workspace(self) -> Workspace:
        return Workspace(self.root)

    def dr(self, *words: str, answer: str | None = None) -> Result:
        with chdir(self.root):
            return CliRunner().invoke(main, words, input=answer, catch_exceptions=False)

    def cloud(self, *words: str, answer: str | None = None) -> Result:
        return self.dr("cloud", *words, answer=answer)

    def json(self, *words: str) -> Any:
        """What it prints with --json."""
        found = self.cloud(*words, "--json")
        assert found.exit_code == 0, found.stderr
        return json.loads(found.stdout)


@pytest.fixture
def shell(aws: Account, tmp_path: Path) -> Shell:
    root = tmp_path / "ws"
    assert CliRunner().invoke(main, ["init", str(root)]).exit_code == 0
    with (root / "system.env").open("a") as file:
        file.write(f"DR_CLOUD=aws\nDR_LOCAL_S3_BUCKET={BUCKET}\nDR_AWS_APP_REGION={REGION}\n")
    with (root / "run.env").open("a") as file:
        file.write("DR_WORLD_NAME=tiny\nDR_LOCAL_S3_MODEL_PREFIX=fast-1\n")
    (root / "data/tracks").mkdir(parents=True)
    (root / "data/tracks/tiny.yaml").write_text(TINY_TRACK)
    return Shell(root)
