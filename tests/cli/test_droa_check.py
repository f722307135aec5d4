from __future__ import annotations

import json
import tarfile

import pytest
from model_samples import contents, make_model
from upload_targets import UploadTargets


def test_our_own_upload_is_accepted(upload_targets: UploadTargets) -> None:
    make_model(upload_targets.own, "model", [1, 2])
    answer = upload_targets.done("droa", "check")
    assert answer.stdout == "" and "would accept s3://" in answer.stderr
    assert "next: dr upload-model -i" in answer.stderr
    assert contents(upload_targets.aws) == {}
    facts = json.loads(upload_targets.done("droa", "check", "model", "-b", "--json").stdout)
    assert facts["accepted"] and facts["findings"] == []


@pytest.mark.parametrize("world", ["2024_reinvent_champ_cw", "reInvent2019_track_ccw"])
def test_a_direction_is_no_obstacle(upload_targets: UploadTargets, world: str) -> None:
    make_model(upload_targets.own, "model", [1])
    upload_targets.done("droa", "check", "--set", f"DR_WORLD_NAME={world}")


def test_obstacles_are_no_obstacle(upload_targets: UploadTargets) -> None:
    make_model(upload_targets.own, "model", [1])
    race = ("--set", "DR_RACE_TYPE=OBJECT_AVOIDANCE", "--set", "DR_OA_RANDOMIZE_OBSTACLE_LOCATIONS=False")
    upload_targets.done("droa", "check", *race, "--set", "DR_OA_OBJECT_POSITIONS=0.2,-1;0.5,1")
    answer = upload_targets.dr("droa", "check", *race, "--set", "DR_OA_OBJECT_POSITIONS=0.2,-1;0.3,1")
    assert answer.exit_code == 1 and "less than 0.13 apart" in answer.stdout


def test_what_would_be_refused(upload_targets: UploadTargets) -> None:
    make_model(upload_targets.own, "model", [1])
    upload_targets.own.put("model/model/1_Step-100.ckpt.data-00000-of-00001", bytes(100))
    answer = upload_targets.dr("droa", "check", "--set", "DR_WORLD_NAME=drcli_oval", "--name", "my model")
    assert answer.exit_code == 1 and "would refuse" in answer.stderr and "3 reasons" in answer.stderr
    assert answer.stdout.startswith("refused:\n  training_params.yaml: WORLD_NAME drcli_oval is not a track")
    assert "1_Step-100.ckpt: is cut off: 100 of" in answer.stdout and "the name: 'my model'" in answer.stdout
    facts = upload_targets.dr("droa", "check", "--json")
    assert facts.exit_code == 1 and not json.loads(facts.stdout)["accepted"]


def test_a_folder_and_an_archive(upload_targets: UploadTargets) -> None:
    make_model(upload_targets.own, "model", [1])
    upload_targets.done("upload-model", "-L")
    folder = upload_targets.workspace.root / "there"
    for key, content in contents(upload_targets.own, "model-1/").items():
        path = folder / key.removeprefix("model-1/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    assert f"dr droa import {folder}" in upload_targets.done("droa", "check", str(folder)).stderr
    with tarfile.open(folder.with_suffix(".tar.gz"), "w:gz") as packed:
        packed.add(folder, "there")
    upload_targets.done("droa", "check", "there.tar.gz")
    (folder / "reward_function.py").write_text("import os\n")
    answer = upload_targets.dr("droa", "check", "there")
    assert answer.exit_code == 1 and "import of os is not allowed" in answer.stdout
    assert upload_targets.dr("droa", "check", "there", "-b").exit_code == 2
    assert upload_targets.dr("droa", "check", "nothing.zip").exit_code == 1


def test_help_has_examples(upload_targets: UploadTargets) -> None:
    assert "  dr droa check my-model.tar.gz" in upload_targets.done("droa", "check", "--help").stdout
    assert "check" in upload_targets.done("droa", "--help").stdout
