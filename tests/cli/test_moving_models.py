from __future__ import annotations

import json

import pytest
import yaml
from model_samples import contents, make_model, under
from upload_targets import UploadTargets, pretend_to_train


def test_download(upload_targets: UploadTargets) -> None:
    make_model(upload_targets.aws, "team/fast", [1, 2])
    make_model(upload_targets.aws, "team/fast-10", [3])
    source = f"s3://{upload_targets.aws.config.bucket}/team/fast"
    before = contents(upload_targets.aws)
    answer = upload_targets.done("download-model", "-s", source, "-t", "mine/fast", "-d")
    assert contents(upload_targets.own) == {} and "ip/hyperparameters.json" in answer.stdout
    answer = upload_targets.done("download-model", "-s", source, "-t", "mine/fast")
    here, there = under("mine/fast", contents(upload_targets.own)), under("team/fast", before)
    assert set(here) == set(there) - {"ip/ip.json"}
    changed = {name for name in here if here[name] != there[name]}
    assert changed == {"training_params.yaml"}
    values = yaml.safe_load(here["training_params.yaml"])
    assert values["SAGEMAKER_SHARED_S3_BUCKET"] == upload_targets.own.config.bucket
    assert values["METRICS_S3_OBJECT_KEY"] == "mine/fast/metrics/TrainingMetrics.json"
    assert contents(upload_targets.aws) == before
    assert "next: dr evaluate" in answer.stderr


def test_download_over_something(upload_targets: UploadTargets) -> None:
    make_model(upload_targets.aws, "fast", [2])
    make_model(upload_targets.own, "fast", [1])
    upload_targets.own.put("fast/notes.txt", b"mine")
    upload_targets.own.put("fast-1/x", b"sibling")
    words = ("download-model", "-s", f"s3://{upload_targets.aws.config.bucket}/fast/", "-t", "fast")
    before = contents(upload_targets.own)
    assert upload_targets.dr(*words).exit_code == 1
    assert upload_targets.dr(*words, "-w", answer="n\n").exit_code == 1
    assert contents(upload_targets.own) == before
    upload_targets.done(*words, "-f")
    here = contents(upload_targets.own)
    assert here["fast/notes.txt"] == b"mine" and "fast/model/2_Step-200.ckpt.meta" in here
    assert not [key for key in here if "1_Step-100" in key or "model_1.pb" in key]
    upload_targets.done(*words, "-w", answer="y\n")
    assert (
        "fast/notes.txt" not in contents(upload_targets.own)
        and upload_targets.own.get("fast-1/x") == b"sibling"
    )


def test_download_with_custom_files(upload_targets: UploadTargets) -> None:
    make_model(upload_targets.aws, "fast", [1])
    files = upload_targets.workspace.custom_files
    files.mkdir()
    (files / "reward_function.py").write_text("mine")
    words = ("download-model", "-s", f"s3://{upload_targets.aws.config.bucket}/fast", "-t", "fast", "-c")
    assert upload_targets.dr(*words, answer="n\n").exit_code == 1
    assert (files / "reward_function.py").read_text() == "mine"
    upload_targets.done(*words, "-f")
    assert (files / "reward_function.py").read_bytes() == upload_targets.aws.get("fast/reward_function.py")
    assert (files / "reward_function.py.bak").read_text() == "mine"
    assert sorted(path.name for path in files.iterdir()) == [
        "hyperparameters.json",
        "model_metadata.json",
        "reward_function.py",
        "reward_function.py.bak",
    ]


@pytest.mark.parametrize(
    ("source", "code", "said"),
    [
        ("fast", 2, "is not the address of a model"),
        ("s3://bucket", 2, "is not the address of a model"),
        ("s3://no-such-bucket/fast", 1, "no such bucket"),
        ("s3://{aws}/nothing", 1, "The model nothing was not found"),
        ("s3://{aws}/team", 1, "other models in it"),
        ("s3://{aws}/half", 1, "Missing: ip/hyperparameters.json"),
    ],
)
def test_download_refused(upload_targets: UploadTargets, source: str, code: int, said: str) -> None:
    make_model(upload_targets.aws, "team/fast", [1])
    make_model(upload_targets.aws, "half", [1])
    upload_targets.aws.delete(["half/ip/hyperparameters.json"])
    answer = upload_targets.dr(
        "download-model", "-s", source.format(aws=upload_targets.aws.config.bucket), "-t", "here"
    )
    assert answer.exit_code == code and said in answer.stderr, answer.output
    assert contents(upload_targets.own) == {}


def test_copy(upload_targets: UploadTargets) -> None:
    make_model(upload_targets.own, "model", [1, 2], community=False)
    upload_targets.own.put("model/status.json", b"{}")
    before = contents(upload_targets.own)
    upload_targets.done("copy-model", "model", "team/copy")
    now = contents(upload_targets.own)
    copied = under("team/copy", now)
    assert {key: data for key, data in now.items() if not key.startswith("team/")} == before
    assert set(copied) == set(under("model", before)) - {"status.json", "ip/ip.json"}
    assert yaml.safe_load(copied["training_params.yaml"])["SAGEMAKER_SHARED_S3_PREFIX"] == "team/copy"
    listed = {model["prefix"]: model for model in json.loads(upload_targets.done("models", "--json").stdout)}
    assert listed["team/copy"]["checkpoints"] == 2
    assert upload_targets.dr("copy-model", "model", "team/copy").exit_code == 1
    for to in ("model", "model/copy"):
        assert "the model itself" in upload_targets.dr("copy-model", "model", to, "-f").stderr
    assert contents(upload_targets.own) == now


def test_delete(upload_targets: UploadTargets) -> None:
    for prefix in ("model", "model-10", "model1", "team/model", "model.bak"):
        make_model(upload_targets.own, prefix, [1])
    upload_targets.own.put("mode", b"x")
    before = contents(upload_targets.own)
    answer = upload_targets.dr("delete-model", "model", answer="n\n")
    assert answer.exit_code == 1 and "Delete the model model (" in answer.stderr
    assert "model/reward_function.py" in answer.stderr
    assert contents(upload_targets.own) == before
    upload_targets.done("delete-model", "model", "-d")
    assert contents(upload_targets.own) == before
    upload_targets.done("delete-model", "model/", answer="y\n")
    assert contents(upload_targets.own) == {
        key: data for key, data in before.items() if not key.startswith("model/")
    }
    upload_targets.done("delete-model", "team/model", "-y")
    assert not upload_targets.own.list("team/")


@pytest.mark.parametrize(
    ("prefix", "code", "said"),
    [
        ("nothing", 1, "The model nothing was not found"),
        ("team", 1, "other models in it: team/model"),
        ("custom_files", 1, "custom_files is not a model"),
        ("", 2, "not a valid model prefix"),
        ("/", 2, "not a valid model prefix"),
        ("team/..", 2, "not a valid model prefix"),
    ],
)
def test_delete_refused(upload_targets: UploadTargets, prefix: str, code: int, said: str) -> None:
    make_model(upload_targets.own, "team/model", [1])
    upload_targets.own.put("custom_files/reward_function.py", b"")
    before = contents(upload_targets.own)
    answer = upload_targets.dr("delete-model", prefix, "-y")
    assert answer.exit_code == code and said in answer.stderr, answer.output
    assert contents(upload_targets.own) == before


def test_a_model_that_a_run_uses_stays(upload_targets: UploadTargets) -> None:
    for prefix in ("team/model", "other"):
        make_model(upload_targets.own, prefix, [1])
    make_model(upload_targets.aws, "new", [1])
    folder = pretend_to_train(upload_targets, "team/model")
    before = contents(upload_targets.own)
    source = f"s3://{upload_targets.aws.config.bucket}/new"
    for words in (
        ("delete-model", "team/model", "-y"),
        ("delete-model", "team", "-y"),
        ("copy-model", "other", "team/model", "-f"),
        ("copy-model", "other", "team/model/x"),
        ("download-model", "-s", source, "-t", "team/model", "-f"),
        (
            "upload-model",
            "-L",
            "-f",
            "--set",
            "DR_LOCAL_S3_MODEL_PREFIX=other",
            "--set",
            "DR_UPLOAD_S3_PREFIX=team/model",
        ),
    ):
        answer = upload_targets.dr(*words)
        assert answer.exit_code == 1 and "run 3 is using the model team/model" in answer.stderr, answer.output
        assert "dr stop-training --set DR_RUN_ID=3" in answer.stderr
    assert contents(upload_targets.own) == before
    upload_targets.done("copy-model", "team/model", "backup")
    (folder.path / "plan.json").unlink()
    upload_targets.done("delete-model", "team/model", "-y")


def test_up_and_down_again(upload_targets: UploadTargets) -> None:
    """What an upload leaves is a model that can be downloaded and listed."""
    make_model(upload_targets.own, "model", [1, 2])
    upload_targets.done("upload-model", "-b")
    upload_targets.done(
        "download-model", "-s", f"s3://{upload_targets.aws.config.bucket}/model-1", "-t", "back"
    )
    listed = {model["prefix"]: model for model in json.loads(upload_targets.done("models", "--json").stdout)}
    assert listed["back"]["best_progress"] == listed["model"]["best_progress"] == 87.0
    assert listed["back"]["best_checkpoint"] == listed["back"]["last_checkpoint"] == "1_Step-100.ckpt"
