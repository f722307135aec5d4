from __future__ import annotations

import json

import pytest
import yaml
from model_samples import METADATA, PARTS, contents, make_model, name, trained, weights
from upload_targets import UploadTargets

from drcli.config import engine
from drcli.store.metrics import EpisodeResult, TrainingMetrics
from drcli.tables import Table
from drcli.tensorflow.tensor_bundle import read_bundle
from drcli.train.checkpoint import pack

DOCUMENTS = {
    ".coach_checkpoint",
    ".finished",
    "deepracer_checkpoints.json",
    "model_metadata.json",
}


def model_files(keys: dict[str, bytes], prefix: str) -> set[str]:
    start = f"{prefix}/model/"
    return {key.removeprefix(start) for key in keys if key.startswith(start)}


@pytest.mark.parametrize(
    ("words", "number"),
    [
        ((), 10),
        (("-b",), 2),
        pytest.param(("-c", "1"), 1, marks=pytest.mark.slow),
        pytest.param(("--checkpoint", "best"), 2, marks=pytest.mark.slow),
    ],
)
def test_exactly_the_chosen_checkpoint(
    upload_targets: UploadTargets, words: tuple[str, ...], number: int
) -> None:
    make_model(upload_targets.own, "model", [1, 2, 10, 11, 100], best=2, last=10)
    upload_targets.aws.put("model-10/keep", b"a sibling")
    before = contents(upload_targets.own)
    answer = upload_targets.done("upload-model", *words)
    there = contents(upload_targets.aws)
    files = {f"{name(number)}.{part}" for part in PARTS} | {f"model_{number}.pb"}
    assert model_files(there, "model-1") == files | DOCUMENTS
    assert set(there) - {f"model-1/model/{file}" for file in files | DOCUMENTS} == {
        "model-10/keep",
        "model-1/reward_function.py",
        "model-1/model_metadata.json",
        "model-1/training_params.yaml",
        "model-1/ip/hyperparameters.json",
        "model-1/metrics/TrainingMetrics.json",
        "model-1/metrics/training/training-metrics.json",
    }
    assert there[f"model-1/model/{name(number)}.meta"] == weights(number, "meta")
    assert there["model-1/model/.coach_checkpoint"] == str(name(number)).encode()
    index = json.loads(there["model-1/model/deepracer_checkpoints.json"])
    assert index["best_checkpoint"] == index["last_checkpoint"]
    assert index["best_checkpoint"]["name"] == str(name(number))
    assert f"s3://{upload_targets.aws.config.bucket}/model-1  {name(number)}, 14 files" in answer.stdout
    assert "next: dr upload-car-zip" in answer.stderr
    assert contents(upload_targets.own) == before


def test_the_document_is_the_one_that_render_prints(upload_targets: UploadTargets) -> None:
    make_model(upload_targets.own, "model")
    upload_targets.done("upload-model")
    there = upload_targets.aws.get("model-1/training_params.yaml")
    assert upload_targets.done("render", "upload").stdout.encode() == there
    values = yaml.safe_load(there)
    assert values["SAGEMAKER_SHARED_S3_BUCKET"] == upload_targets.aws.config.bucket
    assert values["SAGEMAKER_SHARED_S3_PREFIX"] == "model-1"


def test_a_model_of_ours(upload_targets: UploadTargets) -> None:
    make_model(upload_targets.own, "model", [3, 4], community=False)
    weights_of_ours = pack(trained().variables, {})
    upload_targets.own.put("model/model/3_Step-300.ckpt.safetensors", weights_of_ours)
    upload_targets.done("upload-model", "-b", "-i")
    there = contents(upload_targets.aws)
    parts = ("safetensors", *PARTS)
    assert (
        model_files(there, "model-1")
        == {f"3_Step-300.ckpt.{part}" for part in parts} | {"model_3.pb"} | DOCUMENTS
    )
    name = "model-1/model/3_Step-300.ckpt"
    values = read_bundle(there[f"{name}.index"], {0: there[f"{name}.data-00000-of-00001"]})
    assert values.keys() == trained().variables.keys()
    assert all((values[key] == value.numpy()).all() for key, value in trained().variables.items())


def test_a_model_that_only_another_engine_drives(
    upload_targets: UploadTargets, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_model(upload_targets.own, "model", [3])
    stereo = METADATA | {"sensor": ["STEREO_CAMERAS"]}
    monkeypatch.setattr(engine, "SENSORS", Table("none", "sensor", {"FRONT_FACING_CAMERA": ""}))
    upload_targets.own.put("model/model/model_metadata.json", json.dumps(stereo).encode())
    upload_targets.own.delete(["model/model/3_Step-300.ckpt.meta"])
    answer = upload_targets.done("upload-model")
    assert "Without a TensorFlow checkpoint" in answer.stderr and "STEREO_CAMERAS" in answer.stderr


def test_strict(upload_targets: UploadTargets) -> None:
    make_model(upload_targets.own, "model", [3], world="drcli_oval")
    upload_targets.own.put("model/reward_function.py", b"import os\n")
    for flag in ("-i", "--strict"):
        answer = upload_targets.dr("upload-model", flag)
        assert answer.exit_code == 1 and "would refuse to import" in answer.stderr
    assert contents(upload_targets.aws) == {}
    make_model(upload_targets.own, "model", [3])
    upload_targets.done("upload-model", "-i")


def test_the_graph_of_the_training(upload_targets: UploadTargets) -> None:
    make_model(upload_targets.own, "model", [1])
    rows = TrainingMetrics()
    for _ in range(2):
        rows.append("training", EpisodeResult(9.0, 50.0, "off_track", 0.0, 8.0))
    upload_targets.own.put("model/metrics/TrainingMetrics_1.json", rows.to_json())
    upload_targets.done("upload-model")
    graph = "model-1/metrics/training/training-metrics.json"
    assert len(json.loads(upload_targets.aws.get(graph))["metrics"]) == 3
    upload_targets.own.put("model/metrics/TrainingMetrics.json", b"{")
    answer = upload_targets.done("upload-model", "-f")
    assert "metrics/TrainingMetrics.json is not JSON" in answer.stderr and "graph" in answer.stderr
    upload_targets.own.put("model/metrics/training/training-2026.json", b'{"metrics": []}')
    upload_targets.done("upload-model", "-f", "-w", answer="y\n")
    assert graph not in contents(upload_targets.aws)  # the model has one already


def test_an_existing_target(upload_targets: UploadTargets) -> None:
    make_model(upload_targets.own, "model", [1, 2])
    upload_targets.done("upload-model", "-c", "1")
    upload_targets.aws.put("model-1/notes.txt", b"mine")
    upload_targets.aws.put("model-10/x", b"sibling")
    before = contents(upload_targets.aws)
    answer = upload_targets.dr("upload-model")
    assert (
        answer.exit_code == 1
        and "already exists (15 files)" in answer.stderr
        and "-f replaces" in answer.stderr
    )
    assert upload_targets.dr("upload-model", "-w", answer="n\n").exit_code == 1
    assert upload_targets.dr("upload-model", "-w", "-d").exit_code == 0
    assert contents(upload_targets.aws) == before
    upload_targets.done("upload-model", "-f")
    there = contents(upload_targets.aws)
    assert (
        model_files(there, "model-1")
        == {f"2_Step-200.ckpt.{part}" for part in PARTS} | {"model_2.pb"} | DOCUMENTS
    )
    assert there["model-1/notes.txt"] == b"mine"
    answer = upload_targets.done("upload-model", "-w", answer="y\n")
    assert "model-1/notes.txt" in answer.stderr
    assert set(contents(upload_targets.aws)) == set(there) - {"model-1/notes.txt"}
    assert upload_targets.aws.get("model-10/x") == b"sibling"


def test_a_dry_run(upload_targets: UploadTargets) -> None:
    make_model(upload_targets.own, "model", [1, 2])
    run_env = upload_targets.workspace.run_env.read_bytes()
    answer = upload_targets.done("upload-model", "-d", "-1")
    assert "model/2_Step-200.ckpt.index" in answer.stdout and "nothing was changed" in answer.stderr
    assert contents(upload_targets.aws) == {} and upload_targets.workspace.run_env.read_bytes() == run_env
    facts = json.loads(upload_targets.done("upload-model", "-d", "--json").stdout)
    assert facts["dry_run"] and facts["checkpoint"] == "2_Step-200.ckpt"
    assert facts["bytes"] == sum(facts["files"].values())


def test_json(upload_targets: UploadTargets) -> None:
    make_model(upload_targets.own, "model", [1])
    facts = json.loads(upload_targets.done("upload-model", "--json").stdout)
    assert facts["files"] == {
        key.removeprefix("model-1/"): len(data) for key, data in contents(upload_targets.aws).items()
    }
    assert facts["target"] == f"s3://{upload_targets.aws.config.bucket}/model-1" and not facts["dry_run"]


def test_counting_the_prefix_up(upload_targets: UploadTargets) -> None:
    make_model(upload_targets.own, "model", [1])
    before = upload_targets.workspace.run_env.read_text()
    upload_targets.done("upload-model", "-1")
    assert {key.partition("/")[0] for key in contents(upload_targets.aws)} == {"model-2"}
    assert upload_targets.workspace.run_env.read_text() == before.replace("_PREFIX-1 ", "_PREFIX-2 ")
    upload_targets.aws.put("model-3/there", b"already")
    assert upload_targets.dr("upload-model", "-1").exit_code == 1
    assert upload_targets.workspace.run_env.read_text() == before.replace("_PREFIX-1 ", "_PREFIX-2 ")


def test_another_model(upload_targets: UploadTargets) -> None:
    make_model(upload_targets.own, "team/other-10", [7])
    make_model(upload_targets.own, "team/other", [1])
    upload_targets.own.put("team/other-10/reward_function.py", b"def reward_function(params): return 2.0\n")
    upload_targets.done("upload-model", "-p", "team/other-10")
    there = contents(upload_targets.aws)
    assert {key for key in there if not key.startswith("team/other-10/")} == set()
    assert b"return 2.0" in there["team/other-10/reward_function.py"]


def test_to_the_local_bucket(upload_targets: UploadTargets) -> None:
    make_model(upload_targets.own, "model", [1, 2])
    answer = upload_targets.done("upload-model", "-L")
    assert "model-1/model/2_Step-200.ckpt.index" in contents(upload_targets.own)
    assert contents(upload_targets.aws) == {}
    assert (
        yaml.safe_load(upload_targets.own.get("model-1/training_params.yaml"))["METRICS_S3_BUCKET"]
        == upload_targets.own.config.bucket
    )
    assert "console:" not in answer.stderr


@pytest.mark.parametrize("words", [("-p", "model"), ("--set", "DR_UPLOAD_S3_PREFIX=model/in")])
def test_never_over_itself(upload_targets: UploadTargets, words: tuple[str, ...]) -> None:
    make_model(upload_targets.own, "model", [1])
    before = contents(upload_targets.own)
    answer = upload_targets.dr("upload-model", "-L", "-f", "-w", *words)
    assert answer.exit_code == 1 and "the model itself, a folder inside it" in answer.stderr
    same = ("--set", f"DR_UPLOAD_S3_BUCKET={upload_targets.own.config.bucket}")
    answer = upload_targets.dr("upload-model", "-f", "-w", *words, *same)
    assert answer.exit_code == 1 and "the model itself, a folder inside it" in answer.stderr
    assert contents(upload_targets.own) == before


def test_a_model_of_several_tracks(upload_targets: UploadTargets) -> None:
    make_model(upload_targets.own, "model", [1], world="Albert, Vegas_track")
    there = upload_targets.done("upload-model", "-d", "--set", "DR_WORLD_NAME=Albert, Vegas_track").stderr
    assert "WORLD_NAME Albert, Vegas_track names several tracks (name one" in there
    assert "was trained with" not in there


def test_never_over_a_folder_of_models(upload_targets: UploadTargets) -> None:
    make_model(upload_targets.own, "model", [1])
    make_model(upload_targets.aws, "team/a", [1])
    before = contents(upload_targets.aws)
    answer = upload_targets.dr("upload-model", "-f", "-w", "--set", "DR_UPLOAD_S3_PREFIX=team")
    assert answer.exit_code == 1 and "contains other models: team/a" in answer.stderr
    assert contents(upload_targets.aws) == before


def test_what_differs_from_the_training_is_said(upload_targets: UploadTargets) -> None:
    make_model(upload_targets.own, "model", [1], world="Albert")
    upload_targets.own.delete_prefix("model/metrics")
    answer = upload_targets.done("upload-model", "--set", "DR_RACE_TYPE=HEAD_TO_BOT")
    assert (
        'WORLD_NAME "reInvent2019_track" from the settings, but the model was trained with "Albert"'
        in answer.stderr
    )
    assert 'RACE_TYPE "HEAD_TO_BOT"' in answer.stderr
    assert "no metrics" in answer.stderr


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--set", "DR_UPLOAD_S3_BUCKET=not-defined"), 1, "DR_UPLOAD_S3_BUCKET is not set"),
        (("--set", "DR_UPLOAD_S3_BUCKET=no-such-bucket"), 1, "DR_UPLOAD_S3_BUCKET to one that exists"),
        (("--set", "DR_UPLOAD_S3_PROFILE=nobody"), 1, "no AWS profile nobody"),
        (("-c", "7"), 1, "no checkpoint 7"),
        (("-c", "x"), 2, "--checkpoint x is not a checkpoint"),
        (("-b", "-c", "1"), 2, "cannot be combined"),
        (("-1", "-p", "x"), 2, "cannot be combined"),
        (("-p", "nowhere"), 1, "nowhere has no complete checkpoint"),
        (("-p", "../x"), 2, "not a valid model prefix"),
    ],
)
def test_refusals(upload_targets: UploadTargets, words: tuple[str, ...], code: int, said: str) -> None:
    make_model(upload_targets.own, "model", [1])
    answer = upload_targets.dr("upload-model", *words)
    assert answer.exit_code == code and said in answer.stderr, answer.output
    assert contents(upload_targets.aws) == {}


@pytest.mark.parametrize(
    "lost", ["reward_function.py", "model/model_metadata.json", "ip/hyperparameters.json"]
)
def test_a_model_that_lacks_something(upload_targets: UploadTargets, lost: str) -> None:
    make_model(upload_targets.own, "model", [1])
    upload_targets.own.delete([f"model/{lost}"])
    answer = upload_targets.dr("upload-model")
    assert answer.exit_code == 1 and f"model/{lost} was not found" in answer.stderr
    assert contents(upload_targets.aws) == {}


def test_an_upload_that_was_cut_off_is_finished_first(upload_targets: UploadTargets) -> None:
    make_model(upload_targets.own, "model", [1])
    upload_targets.aws.put("model-1.drcli-0123456789ab/0000", b"staged")
    upload_targets.aws.put("model-1.drcli-0123456789ab/plan.json", b'{"names": ["notes"], "drop": []}')
    before = contents(upload_targets.aws)
    upload_targets.done("upload-model", "-d")
    assert contents(upload_targets.aws) == before
    answer = upload_targets.dr("upload-model")
    assert "Finished an interrupted upload" in answer.stderr and answer.exit_code == 1
    assert contents(upload_targets.aws) == {"model-1/notes": b"staged"}


def test_help_has_examples(upload_targets: UploadTargets) -> None:
    assert "  dr upload-model -b -1" in upload_targets.done("upload-model", "--help").stdout
