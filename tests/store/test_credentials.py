"""Whose keys programs elsewhere get: a key pair, a profile, a role that a profile assumes, a temporary token."""

from __future__ import annotations

from pathlib import Path

import pytest
from moto import mock_aws

from drcli.errors import DrError
from drcli.store.credentials import credentials
from drcli.store.store_config import StoreConfig

PROFILES = """
[mine]
aws_access_key_id = AKIAMINE
aws_secret_access_key = s3cret

[temporary]
aws_access_key_id = ASIATEMP
aws_secret_access_key = s3cret
aws_session_token = t0ken
"""
ROLE = """
[profile trainer]
role_arn = arn:aws:iam::123456789012:role/trainer
source_profile = mine
region = us-east-1
"""


@pytest.fixture
def aws() -> None:
    """The user's AWS files, in the test's own home."""
    folder = Path.home() / ".aws"
    folder.mkdir()
    (folder / "credentials").write_text(PROFILES)
    (folder / "config").write_text(ROLE)


def test_a_key_of_our_own() -> None:
    config = StoreConfig("bucket", access_key="mine", secret_key="s3cret")
    assert credentials(config) == {"AWS_ACCESS_KEY_ID": "mine", "AWS_SECRET_ACCESS_KEY": "s3cret"}


def test_profiles(aws: None) -> None:
    assert credentials(StoreConfig("bucket", profile="mine")) == {
        "AWS_ACCESS_KEY_ID": "AKIAMINE",
        "AWS_SECRET_ACCESS_KEY": "s3cret",
    }
    temporary = credentials(StoreConfig("bucket", profile="temporary"))
    assert temporary is not None and temporary["AWS_SESSION_TOKEN"] == "t0ken"


def test_a_role_that_a_profile_assumes(aws: None) -> None:
    """STS gives a key and a token, which have to go on together."""
    with mock_aws():
        found = credentials(StoreConfig("bucket", profile="trainer"))
    assert found is not None
    assert found["AWS_ACCESS_KEY_ID"] != "AKIAMINE"
    assert set(found) == {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"}


@pytest.mark.parametrize(("profile", "said"), [("nobody", "nobody"), (None, "no credentials")])
def test_none(aws: None, profile: str | None, said: str) -> None:
    (Path.home() / ".aws" / "credentials").write_text("")
    with pytest.raises(DrError, match=said):
        credentials(StoreConfig("bucket", profile=profile))
