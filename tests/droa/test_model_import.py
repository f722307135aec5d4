"""Importing a model: the files of an upload, checked, uploaded and followed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from droa_server import SECRETS, model
from droa_user import DroaUser
from model_samples import contents, make_model, name, weights
from polling import DEADLINE_S

from drcli.droa import web
from drcli.droa.model_import import name_for


def uploaded(user: DroaUser) -> dict[str, bytes]:
    """What is in the upload bucket, by name below its prefix, of which there is one."""
    found = contents(user.server.upload, "uploads/models/")
    assert len({key.split("/")[2] for key in found}) <= 1
    return {key.split("/", 3)[3]: data for key, data in found.items()}


def new_model(user: DroaUser) -> dict[str, object]:
    return list(user.server.models.values())[-1]


def test_a_model_of_the_bucket(user: DroaUser) -> None:
    make_model(user.own, "model", [1, 2, 10], best=2)
    user.server.importing = 3
    answer = user.done("droa", "import", "-b", "--description", "my best")
    there = uploaded(user)
    assert there[f"model/{name(2)}.meta"] == weights(2, "meta") and f"model/{name(10)}.meta" not in there
    values = yaml.safe_load(there["training_params.yaml"])
    key = new_model(user)["s3Path"]
    assert values["SAGEMAKER_SHARED_S3_PREFIX"] == key and values["WORLD_NAME"] == "reInvent2019_track"
    assert (new_model(user)["name"], new_model(user)["description"]) == ("model", "my best")
    assert answer.stdout == "model (model0000000001)  READY\n"
    assert "14 files" in answer.stderr


def test_the_files_are_those_of_an_upload(user: DroaUser) -> None:
    make_model(user.own, "model", [1, 2])
    user.done("droa", "import")
    user.done("upload-model", "-L", "--set", "DR_UPLOAD_S3_PREFIX=there")
    other = {key.removeprefix("there/"): data for key, data in contents(user.own, "there/").items()}
    there = uploaded(user)
    assert there.keys() == other.keys()
    assert {file for file in other if there[file] != other[file]} == {"training_params.yaml"}


def test_another_prefix_and_another_name(user: DroaUser) -> None:
    make_model(user.own, "team/fast_3")
    user.server.add(model(1, "fast-3"))
    answer = user.done("droa", "import", "team/fast_3", "-c", "1", "--no-wait", "--json")
    assert (
        json.loads(answer.stdout)["name"] == "fast-3"
        and "next: dr droa show model0000000002" in answer.stderr
    )
    assert "There is already a model fast-3" in answer.stderr
    assert "no complete checkpoint" in user.refused("droa", "import", "other")


def test_what_the_import_would_refuse(user: DroaUser) -> None:
    make_model(user.own, "model", [3])
    track = ("--set", "DR_WORLD_NAME=drcli_harbour")
    said = user.refused("droa", "import", *track)
    assert "would refuse to import" in said and "drcli_harbour is not a track" in said and "-f tries" in said
    assert uploaded(user) == {} and user.server.models == {}
    assert "would refuse to import" in user.done("droa", "import", "-f", *track).stderr


def test_a_dry_run(user: DroaUser) -> None:
    make_model(user.own, "model", [3])
    answer = user.done("droa", "import", "-d", "--name", "fast")
    assert "3_Step-300.ckpt -> fast" in answer.stdout and "ip/hyperparameters.json" in answer.stdout
    assert uploaded(user) == {} and user.server.models == {}


def test_an_import_that_fails(user: DroaUser) -> None:
    make_model(user.own, "model", [3])
    user.server.import_error = "Model validation failed: no weights"
    said = user.refused("droa", "import")
    assert "The import of model (model0000000001) failed: Model validation failed: no weights" in said
    assert "`dr droa delete model0000000001`" in said


def test_a_refused_request_is_not_repeated(user: DroaUser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "PATIENCE_S", DEADLINE_S)
    make_model(user.own, "model", [3])
    listing = (200, {"models": []})
    user.server.failures = [listing, (500, {"message": "The service ran into an error."})]
    assert "refused (500): The service ran into an error." in user.refused("droa", "import")
    assert sum(line.startswith("POST /prod/importmodel") for line in user.server.log) == 1
    user.server.failures = [listing, (429, {"message": "Too Many Requests"})]
    user.done("droa", "import", "--name", "again")


def test_no_permission_to_upload(user: DroaUser) -> None:
    make_model(user.own, "model", [3])
    said = user.refused("droa", "import", "--upload-bucket", "not-there")
    assert (
        "nothing was imported" in said
        and "NoSuchBucket" in said
        and "DR_LOCAL" not in said
        and user.server.models == {}
    )


@pytest.fixture
def folder(user: DroaUser) -> Path:
    make_model(user.own, "model", [3])
    user.done("upload-model", "-L", "--set", "DR_UPLOAD_S3_PREFIX=there")
    for key, data in contents(user.own, "there/").items():
        path = Path("extracted_model", key.removeprefix("there/"))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return Path("extracted_model")


def test_a_folder(user: DroaUser, folder: Path) -> None:
    for unwanted in (".DS_Store", "model/._x", "old.tar.gz", "__pycache__/reward.pyc"):
        (folder / unwanted).parent.mkdir(exist_ok=True)
        (folder / unwanted).write_bytes(b"no")
    user.done("droa", "import", str(folder))
    there = uploaded(user)
    assert there == {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.read_bytes() != b"no"
    }
    assert new_model(user)["name"] == "extracted-model"


def test_a_folder_that_is_not_a_model(user: DroaUser, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "contains no files" in user.refused("droa", "import", str(tmp_path / "empty"))
    (tmp_path / "empty" / "notes.txt").write_text("x")
    assert "model_metadata.json: is missing" in user.refused("droa", "import", str(tmp_path / "empty"))
    assert "The folder ./nowhere was not found" in user.refused("droa", "import", "./nowhere")


def test_names(user: DroaUser) -> None:
    assert "the name: 'a_b' is not allowed" in user.refused("droa", "import", "--name", "a_b", code=2)
    assert "description" in user.refused("droa", "import", "--description", "so!", code=2)
    assert name_for("team/Fast_3.x/") == "Fast-3-x" and name_for("___") == "model"


def test_nothing_secret_is_uploaded(user: DroaUser) -> None:
    make_model(user.own, "model", [3])
    user.done("droa", "import")
    assert not [secret for secret in SECRETS for data in uploaded(user).values() if secret.encode() in data]
