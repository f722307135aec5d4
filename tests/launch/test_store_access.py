from __future__ import annotations

from pathlib import Path

import pytest

from drcli.config.load import settings_of
from drcli.config.settings import Settings
from drcli.errors import DrError
from drcli.launch import store_access
from drcli.launch.store_access import is_embedded, open_bucket, services_endpoint, store_config
from drcli.paths import Workspace
from drcli.store.client import Bucket
from drcli.store.key_pair import make_key_pair
from drcli.store.server import server_status
from drcli.store.store_config import StoreConfig


def settings(**values: object) -> Settings:
    return settings_of({f"DR_{name.upper()}": str(value) for name, value in values.items()})


def test_local_processes_use_the_embedded_server(workspace: Workspace, free_port: int) -> None:
    local = settings(cloud="local", store_port=free_port, local_s3_bucket="mine")
    assert is_embedded(local)
    assert store_config(local, workspace).secret_key == ""
    assert not server_status(workspace).running
    assert not workspace.data.exists()
    bucket = open_bucket(local, workspace, write=True)
    config = store_config(local, workspace)
    assert bucket.config == config
    assert (config.bucket, config.endpoint_url) == ("mine", f"http://127.0.0.1:{free_port}")
    assert server_status(workspace).running


def test_a_remote_server_with_a_profile(
    bucket: Bucket, workspace: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The session's server stands for one of the user's: another process, other keys, another place."""
    _profile(monkeypatch, tmp_path, bucket.config)
    remote = settings(
        cloud="remote",
        remote_minio_url=bucket.config.endpoint_url,
        local_s3_bucket=bucket.config.bucket,
        local_s3_profile="nas",
    )
    opened = open_bucket(remote, workspace, write=True)
    opened.put("a", b"x")
    assert bucket.get("a") == b"x"
    assert not server_status(workspace).running
    assert not workspace.data.exists()
    with pytest.raises(DrError, match="no AWS profile other"):
        open_bucket(remote.model_copy(update={"local_s3_profile": "other"}), workspace)
    with pytest.raises(DrError, match="no such bucket"):
        open_bucket(remote.model_copy(update={"local_s3_bucket": "other"}), workspace)


def test_a_remote_server_with_a_key_of_its_own(bucket: Bucket, workspace: Workspace) -> None:
    remote = settings(
        cloud="remote",
        remote_minio_url=bucket.config.endpoint_url,
        local_s3_bucket=bucket.config.bucket,
        local_access_key_id=bucket.config.access_key,
        local_secret_access_key=bucket.config.secret_key,
    )
    open_bucket(remote, workspace, write=True)
    with pytest.raises(DrError, match="secret key is wrong"):
        open_bucket(remote.model_copy(update={"local_secret_access_key": "wrong"}), workspace)


def test_the_default_profile_is_boto3s_own(
    bucket: Bucket, workspace: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _profile(monkeypatch, tmp_path, bucket.config, "default")
    remote = settings(
        cloud="remote", remote_minio_url=bucket.config.endpoint_url, local_s3_bucket=bucket.config.bucket
    )
    open_bucket(remote, workspace)


def test_aws_has_no_endpoint(workspace: Workspace) -> None:
    config = store_config(
        settings(cloud="aws", aws_app_region="eu-west-1", local_s3_bucket="mine"), workspace
    )
    assert config == StoreConfig("mine", None, "eu-west-1")
    named = store_config(settings(cloud="aws", local_s3_profile="work"), workspace)
    assert named.profile == "work"
    assert "AWS us-east-1" in named.place


def test_containers_have_their_store_on_this_machine(workspace: Workspace) -> None:
    """With the key of the profile that DeepRacer-for-Cloud makes; else with one of the workspace's own."""
    local = settings(cloud="local", docker_style="compose", store_port=9005, local_s3_profile="minio")
    assert not is_embedded(local)
    assert store_config(local, workspace).endpoint_url == "http://127.0.0.1:9005"
    make_key_pair(workspace.store_key)
    assert (store_config(local, workspace).access_key or "").startswith("drcli")
    credentials = Path.home() / ".aws" / "credentials"
    credentials.parent.mkdir(parents=True)
    credentials.write_text("[minio]\naws_access_key_id = mine\naws_secret_access_key = s3cret\n")
    assert store_config(local, workspace).profile == "minio"
    assert store_config(local, workspace).access_key is None


def test_a_full_disk_stops_a_run_not_a_look(
    workspace: Workspace, free_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from drcli.store import server

    usage = server.shutil.disk_usage(workspace.root)._replace(free=0)
    monkeypatch.setattr(server.shutil, "disk_usage", lambda _: usage)
    local = settings(cloud="local", store_port=free_port)
    assert store_access.open_bucket(local, workspace).list() == []
    with pytest.raises(DrError, match="disk is full"):
        store_access.open_bucket(local, workspace, write=True)


def _profile(monkeypatch: pytest.MonkeyPatch, folder: Path, config: StoreConfig, name: str = "nas") -> None:
    credentials = folder / "credentials"
    credentials.write_text(
        f"[{name}]\naws_access_key_id = {config.access_key}\naws_secret_access_key = {config.secret_key}\n"
    )
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(credentials))


@pytest.mark.parametrize(
    ("values", "url"),
    [
        ({"DR_STORE_PORT": "9123"}, "http://127.0.0.1:9123"),
        ({"DR_DOCKER_STYLE": "compose"}, "http://minio:9000"),
        ({"DR_DOCKER_STYLE": "swarm", "DR_CLOUD": "azure"}, "http://minio:9000"),
        ({"DR_CLOUD": "aws"}, None),
        ({"DR_CLOUD": "remote", "DR_REMOTE_MINIO_URL": "https://nas:9000"}, "https://nas:9000"),
        ({"DR_MINIO_URL": "http://minio.lan:9"}, "http://minio.lan:9"),
    ],
)
def test_where_services_reach_the_store(
    values: dict[str, str], url: str | None, workspace: Workspace
) -> None:
    found = settings_of(values)
    assert services_endpoint(found, store_config(found, workspace)) == url
