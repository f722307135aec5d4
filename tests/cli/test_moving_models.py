from __future__ import annotations

import json
import os

import pytest
import yaml
from shipping import contents, make_model
from shipyard import Yard

from drcli.launch.processes.run_folder import RunFolder, Stack
from drcli.local import ProcessRef, write_private


def under(prefix: str, keys: dict[str, bytes]) -> dict[str, bytes]:
    return {
        key.removeprefix(f"{prefix}/"): data for key, data in keys.items() if key.startswith(f"{prefix}/")
    }


def pretend_to_train(yard: Yard, prefix: str) -> RunFolder:
    """A run whose supervisor is alive: this process."""
    folder = RunFolder.of(yard.workspace, "training", 3)
    plan = {"prefix": prefix, "style": "process", "main": "sagemaker", "services": []}
    write_private(folder.path / "plan.json", plan)
    folder.write_stack(Stack("running", ProcessRef.of(os.getpid()), 0.0))
    return folder


def test_download(yard: Yard) -> None:
    make_model(yard.aws, "team/fast", [1, 2])
    make_model(yard.aws, "team/fast-10", [3])
    source = f"s3://{yard.aws.config.bucket}/team/fast"
    before = contents(yard.aws)
    answer = yard.done("download-model", "-s", source, "-t", "mine/fast", "-d")
    assert contents(yard.own) == {} and "ip/hyperparameters.json" in answer.stdout
    answer = yard.done("download-model", "-s", source, "-t", "mine/fast")
    here, there = under("mine/fast", contents(yard.own)), under("team/fast", before)
    assert set(here) == set(there) - {"ip/ip.json"}
    changed = {name for name in here if here[name] != there[name]}
    assert changed == {"training_params.yaml"}
    values = yaml.safe_load(here["training_params.yaml"])
    assert values["SAGEMAKER_SHARED_S3_BUCKET"] == yard.own.config.bucket
    assert values["METRICS_S3_OBJECT_KEY"] == "mine/fast/metrics/TrainingMetrics.json"
    assert contents(yard.aws) == before
    assert "next: dr evaluate" in answer.stderr


def test_download_over_something(yard: Yard) -> None:
    make_model(yard.aws, "fast", [2])
    make_model(yard.own, "fast", [1])
    yard.own.put("fast/notes.txt", b"mine")
    yard.own.put("fast-1/x", b"sibling")
    words = ("download-model", "-s", f"s3://{yard.aws.config.bucket}/fast/", "-t", "fast")
    before = contents(yard.own)
    assert yard.dr(*words).exit_code == 1
    assert yard.dr(*words, "-w", answer="n\n").exit_code == 1
    assert contents(yard.own) == before
    yard.done(*words, "-f")
    here = contents(yard.own)
    assert here["fast/notes.txt"] == b"mine" and "fast/model/2_Step-200.ckpt.meta" in here
    assert not [key for key in here if "1_Step-100" in key or "model_1.pb" in key]
    yard.done(*words, "-w", answer="y\n")
    assert "fast/notes.txt" not in contents(yard.own) and yard.own.get("fast-1/x") == b"sibling"


def test_download_with_custom_files(yard: Yard) -> None:
    make_model(yard.aws, "fast", [1])
    files = yard.workspace.custom_files
    files.mkdir()
    (files / "reward_function.py").write_text("mine")
    words = ("download-model", "-s", f"s3://{yard.aws.config.bucket}/fast", "-t", "fast", "-c")
    assert yard.dr(*words, answer="n\n").exit_code == 1
    assert (files / "reward_function.py").read_text() == "mine"
    yard.done(*words, "-f")
    assert (files / "reward_function.py").read_bytes() == yard.aws.get("fast/reward_function.py")
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
        ("fast", 2, "no address of a model"),
        ("s3://bucket", 2, "no address of a model"),
        ("s3://no-such-bucket/fast", 1, "no such bucket"),
        ("s3://{aws}/nothing", 1, "no model nothing"),
        ("s3://{aws}/team", 1, "other models in it"),
        ("s3://{aws}/half", 1, "lacks ip/hyperparameters.json"),
    ],
)
def test_download_refused(yard: Yard, source: str, code: int, said: str) -> None:
    make_model(yard.aws, "team/fast", [1])
    make_model(yard.aws, "half", [1])
    yard.aws.delete(["half/ip/hyperparameters.json"])
    answer = yard.dr("download-model", "-s", source.format(aws=yard.aws.config.bucket), "-t", "here")
    assert answer.exit_code == code and said in answer.stderr, answer.output
    assert contents(yard.own) == {}


def test_copy(yard: Yard) -> None:
    make_model(yard.own, "model", [1, 2], community=False)
    yard.own.put("model/status.json", b"{}")
    before = contents(yard.own)
    yard.done("copy-model", "model", "team/copy")
    now = contents(yard.own)
    copied = under("team/copy", now)
    assert {key: data for key, data in now.items() if not key.startswith("team/")} == before
    assert set(copied) == set(under("model", before)) - {"status.json", "ip/ip.json"}
    assert yaml.safe_load(copied["training_params.yaml"])["SAGEMAKER_SHARED_S3_PREFIX"] == "team/copy"
    listed = {model["prefix"]: model for model in json.loads(yard.done("models", "--json").stdout)}
    assert listed["team/copy"]["checkpoints"] == 2
    assert yard.dr("copy-model", "model", "team/copy").exit_code == 1
    for to in ("model", "model/copy"):
        assert "the model itself" in yard.dr("copy-model", "model", to, "-f").stderr
    assert contents(yard.own) == now


def test_delete(yard: Yard) -> None:
    for prefix in ("model", "model-10", "model1", "team/model", "model.bak"):
        make_model(yard.own, prefix, [1])
    yard.own.put("mode", b"x")
    before = contents(yard.own)
    answer = yard.dr("delete-model", "model", answer="n\n")
    assert answer.exit_code == 1 and "Delete the model model (" in answer.stderr
    assert "model/reward_function.py" in answer.stderr
    assert contents(yard.own) == before
    yard.done("delete-model", "model", "-d")
    assert contents(yard.own) == before
    yard.done("delete-model", "model/", answer="y\n")
    assert contents(yard.own) == {key: data for key, data in before.items() if not key.startswith("model/")}
    yard.done("delete-model", "team/model", "-y")
    assert not yard.own.list("team/")


@pytest.mark.parametrize(
    ("prefix", "code", "said"),
    [
        ("nothing", 1, "no model nothing"),
        ("team", 1, "other models in it: team/model"),
        ("custom_files", 1, "custom_files is no model"),
        ("", 2, "no prefix"),
        ("/", 2, "no prefix"),
        ("team/..", 2, "no prefix"),
    ],
)
def test_delete_refused(yard: Yard, prefix: str, code: int, said: str) -> None:
    make_model(yard.own, "team/model", [1])
    yard.own.put("custom_files/reward_function.py", b"")
    before = contents(yard.own)
    answer = yard.dr("delete-model", prefix, "-y")
    assert answer.exit_code == code and said in answer.stderr, answer.output
    assert contents(yard.own) == before


def test_a_model_that_a_run_uses_stays(yard: Yard) -> None:
    for prefix in ("team/model", "other"):
        make_model(yard.own, prefix, [1])
    make_model(yard.aws, "new", [1])
    folder = pretend_to_train(yard, "team/model")
    before = contents(yard.own)
    source = f"s3://{yard.aws.config.bucket}/new"
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
        answer = yard.dr(*words)
        assert answer.exit_code == 1 and "run 3 is using the model team/model" in answer.stderr, answer.output
        assert "dr stop-training --set DR_RUN_ID=3" in answer.stderr
    assert contents(yard.own) == before
    yard.done("copy-model", "team/model", "backup")
    (folder.path / "plan.json").unlink()
    yard.done("delete-model", "team/model", "-y")


def test_up_and_down_again(yard: Yard) -> None:
    """What an upload leaves is a model that can be downloaded and listed."""
    make_model(yard.own, "model", [1, 2])
    yard.done("upload-model", "-b")
    yard.done("download-model", "-s", f"s3://{yard.aws.config.bucket}/model-1", "-t", "back")
    listed = {model["prefix"]: model for model in json.loads(yard.done("models", "--json").stdout)}
    assert listed["back"]["best_progress"] == listed["model"]["best_progress"] == 87.0
    assert listed["back"]["best_checkpoint"] == listed["back"]["last_checkpoint"] == "1_Step-100.ckpt"
