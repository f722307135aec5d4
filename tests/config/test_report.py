from __future__ import annotations

import pytest

from drcli.config.load import settings_of
from drcli.config.report import MASK, report
from drcli.config.settings import variables
from drcli.errors import UsageError

SECRETS = {
    "DR_LOCAL_ACCESS_KEY_ID": "AKIA-hunter2",
    "DR_LOCAL_SECRET_ACCESS_KEY": "hunter2",
    "AWS_SECRET_ACCESS_KEY": "hunter2",
    "MY_PASSWORD": "hunter2",
    "GITHUB_TOKEN": "hunter2",
    "DR_MINIO_URL": "http://ann:hunter2@minio:9000/x",
}


def test_all_settings_and_own_keys() -> None:
    rows = report(settings_of({"MINE": "x", "DR_WORKERS": "2"}))
    assert [row["name"] for row in rows] == [*variables(), "MINE"]
    assert {"name": "MINE", "value": "x", "source": "--set", "description": ""} in rows


def test_secrets_cannot_be_seen() -> None:
    settings = settings_of(SECRETS)
    assert "hunter2" not in repr(report(settings))
    assert "hunter2" not in repr(settings)
    values = {row["name"]: row["value"] for row in report(settings)}
    assert values["DR_LOCAL_SECRET_ACCESS_KEY"] == MASK
    assert values["DR_MINIO_URL"] == f"http://{MASK}@minio:9000/x"
    assert settings.local_secret_access_key == "hunter2"


def test_an_empty_secret_shows_that_it_is_empty() -> None:
    assert report(settings_of({}), ["LOCAL_SECRET_ACCESS_KEY"])[0]["value"] == ""


@pytest.mark.parametrize("name", ["DR_WORKERS", "WORKERS", "workers", "dr_workers"])
def test_names_in_any_form(name: str) -> None:
    assert [row["name"] for row in report(settings_of({}), [name])] == ["DR_WORKERS"]


@pytest.mark.parametrize(("name", "near"), [("DR_WORKER", "DR_WORKERS"), ("WORLDNAME", "DR_WORLD_NAME")])
def test_unknown_name(name: str, near: str) -> None:
    with pytest.raises(UsageError) as caught:
        report(settings_of({}), [name])
    assert near in caught.value.hint
