from __future__ import annotations

import json

import pytest
import yaml
from shipping import PARTS, contents, make_model, name, weights
from shipyard import Yard

DOCUMENTS = {
    ".coach_checkpoint",
    "deepracer_checkpoints.json",
    "model_metadata.json",
}


def model_files(keys: dict[str, bytes], prefix: str) -> set[str]:
    start = f"{prefix}/model/"
    return {key.removeprefix(start) for key in keys if key.startswith(start)}


@pytest.mark.parametrize(
    ("words", "number"), [((), 10), (("-b",), 2), (("-c", "1"), 1), (("--checkpoint", "best"), 2)]
)
def test_exactly_the_chosen_checkpoint(yard: Yard, words: tuple[str, ...], number: int) -> None:
    make_model(yard.own, "model", [1, 2, 10, 11, 100], best=2, last=10)
    yard.aws.put("model-10/keep", b"a sibling")
    before = contents(yard.own)
    answer = yard.done("upload-model", *words)
    there = contents(yard.aws)
    files = {f"{name(number)}.{part}" for part in PARTS} | {f"model_{number}.pb"}
    assert model_files(there, "model-1") == files | DOCUMENTS
    assert set(there) - {f"model-1/model/{file}" for file in files | DOCUMENTS} == {
        "model-10/keep",
        "model-1/reward_function.py",
        "model-1/model_metadata.json",
        "model-1/training_params.yaml",
        "model-1/ip/hyperparameters.json",
        "model-1/metrics/TrainingMetrics.json",
    }
    assert there[f"model-1/model/{name(number)}.meta"] == weights(number, "meta")
    assert there["model-1/model/.coach_checkpoint"] == str(name(number)).encode()
    index = json.loads(there["model-1/model/deepracer_checkpoints.json"])
    assert index["best_checkpoint"] == index["last_checkpoint"]
    assert index["best_checkpoint"]["name"] == str(name(number))
    assert f"s3://{yard.aws.config.bucket}/model-1  {name(number)}, 12 files" in answer.stdout
    assert "next: dr upload-car-zip" in answer.stderr
    assert contents(yard.own) == before


def test_the_document_is_the_one_that_render_prints(yard: Yard) -> None:
    make_model(yard.own, "model")
    yard.done("upload-model")
    there = yard.aws.get("model-1/training_params.yaml")
    assert yard.done("render", "upload").stdout.encode() == there
    values = yaml.safe_load(there)
    assert values["SAGEMAKER_SHARED_S3_BUCKET"] == yard.aws.config.bucket
    assert values["SAGEMAKER_SHARED_S3_PREFIX"] == "model-1"


def test_a_model_of_ours(yard: Yard) -> None:
    make_model(yard.own, "model", [3, 4], community=False)
    answer = yard.done("upload-model", "-b")
    assert model_files(contents(yard.aws), "model-1") == {"3_Step-300.ckpt.safetensors"} | DOCUMENTS
    assert "would refuse" in answer.stderr and "no TensorFlow checkpoint" in answer.stderr


def test_strict(yard: Yard) -> None:
    make_model(yard.own, "model", [3], community=False)
    for flag in ("-i", "--strict"):
        answer = yard.dr("upload-model", flag)
        assert answer.exit_code == 1 and "would refuse to import" in answer.stderr
    assert contents(yard.aws) == {}
    make_model(yard.own, "model", [3])
    yard.done("upload-model", "-i")


def test_an_existing_target(yard: Yard) -> None:
    make_model(yard.own, "model", [1, 2])
    yard.done("upload-model", "-c", "1")
    yard.aws.put("model-1/notes.txt", b"mine")
    yard.aws.put("model-10/x", b"sibling")
    before = contents(yard.aws)
    answer = yard.dr("upload-model")
    assert (
        answer.exit_code == 1
        and "exists already (13 files)" in answer.stderr
        and "-f replaces" in answer.stderr
    )
    assert yard.dr("upload-model", "-w", answer="n\n").exit_code == 1
    assert yard.dr("upload-model", "-w", "-d").exit_code == 0
    assert contents(yard.aws) == before
    yard.done("upload-model", "-f")
    there = contents(yard.aws)
    assert (
        model_files(there, "model-1")
        == {f"2_Step-200.ckpt.{part}" for part in PARTS} | {"model_2.pb"} | DOCUMENTS
    )
    assert there["model-1/notes.txt"] == b"mine"
    answer = yard.done("upload-model", "-w", answer="y\n")
    assert "model-1/notes.txt" in answer.stderr
    assert set(contents(yard.aws)) == set(there) - {"model-1/notes.txt"}
    assert yard.aws.get("model-10/x") == b"sibling"


def test_a_dry_run(yard: Yard) -> None:
    make_model(yard.own, "model", [1, 2])
    run_env = yard.workspace.run_env.read_bytes()
    answer = yard.done("upload-model", "-d", "-1")
    assert "model/2_Step-200.ckpt.index" in answer.stdout and "nothing was touched" in answer.stderr
    assert contents(yard.aws) == {} and yard.workspace.run_env.read_bytes() == run_env
    facts = json.loads(yard.done("upload-model", "-d", "--json").stdout)
    assert facts["dry_run"] and facts["checkpoint"] == "2_Step-200.ckpt"
    assert facts["bytes"] == sum(facts["files"].values())


def test_json(yard: Yard) -> None:
    make_model(yard.own, "model", [1])
    facts = json.loads(yard.done("upload-model", "--json").stdout)
    assert facts["files"] == {
        key.removeprefix("model-1/"): len(data) for key, data in contents(yard.aws).items()
    }
    assert facts["target"] == f"s3://{yard.aws.config.bucket}/model-1" and not facts["dry_run"]


def test_counting_the_prefix_up(yard: Yard) -> None:
    make_model(yard.own, "model", [1])
    before = yard.workspace.run_env.read_text()
    yard.done("upload-model", "-1")
    assert {key.partition("/")[0] for key in contents(yard.aws)} == {"model-2"}
    assert yard.workspace.run_env.read_text() == before.replace("_PREFIX-1 ", "_PREFIX-2 ")
    yard.aws.put("model-3/there", b"already")
    assert yard.dr("upload-model", "-1").exit_code == 1
    assert yard.workspace.run_env.read_text() == before.replace("_PREFIX-1 ", "_PREFIX-2 ")


def test_another_model(yard: Yard) -> None:
    make_model(yard.own, "team/other-10", [7])
    make_model(yard.own, "team/other", [1])
    yard.own.put("team/other-10/reward_function.py", b"def reward_function(params): return 2.0\n")
    yard.done("upload-model", "-p", "team/other-10")
    there = contents(yard.aws)
    assert {key for key in there if not key.startswith("team/other-10/")} == set()
    assert b"return 2.0" in there["team/other-10/reward_function.py"]


def test_to_the_local_bucket(yard: Yard) -> None:
    make_model(yard.own, "model", [1, 2])
    answer = yard.done("upload-model", "-L")
    assert "model-1/model/2_Step-200.ckpt.index" in contents(yard.own)
    assert contents(yard.aws) == {}
    assert (
        yaml.safe_load(yard.own.get("model-1/training_params.yaml"))["METRICS_S3_BUCKET"]
        == yard.own.config.bucket
    )
    assert "console:" not in answer.stderr


@pytest.mark.parametrize("words", [("-p", "model"), ("--set", "DR_UPLOAD_S3_PREFIX=model/in")])
def test_never_over_itself(yard: Yard, words: tuple[str, ...]) -> None:
    make_model(yard.own, "model", [1])
    before = contents(yard.own)
    answer = yard.dr("upload-model", "-L", "-f", "-w", *words)
    assert answer.exit_code == 1 and "the model itself, or in it" in answer.stderr
    same = ("--set", f"DR_UPLOAD_S3_BUCKET={yard.own.config.bucket}")
    answer = yard.dr("upload-model", "-f", "-w", *words, *same)
    assert answer.exit_code == 1 and "the model itself, or in it" in answer.stderr
    assert contents(yard.own) == before


def test_never_over_a_folder_of_models(yard: Yard) -> None:
    make_model(yard.own, "model", [1])
    make_model(yard.aws, "team/a", [1])
    before = contents(yard.aws)
    answer = yard.dr("upload-model", "-f", "-w", "--set", "DR_UPLOAD_S3_PREFIX=team")
    assert answer.exit_code == 1 and "other models in it: team/a" in answer.stderr
    assert contents(yard.aws) == before


def test_what_differs_from_the_training_is_said(yard: Yard) -> None:
    make_model(yard.own, "model", [1], world="Albert")
    yard.own.delete_prefix("model/metrics")
    answer = yard.done("upload-model", "--set", "DR_RACE_TYPE=HEAD_TO_BOT")
    assert (
        'WORLD_NAME "reInvent2019_track", as the settings do; the model was trained with "Albert"'
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
        (("-c", "x"), 2, "no checkpoint is called that"),
        (("-b", "-c", "1"), 2, "contradict"),
        (("-1", "-p", "x"), 2, "contradict"),
        (("-p", "nowhere"), 1, "nowhere has no complete checkpoint"),
        (("-p", "../x"), 2, "no prefix"),
    ],
)
def test_refusals(yard: Yard, words: tuple[str, ...], code: int, said: str) -> None:
    make_model(yard.own, "model", [1])
    answer = yard.dr("upload-model", *words)
    assert answer.exit_code == code and said in answer.stderr, answer.output
    assert contents(yard.aws) == {}


@pytest.mark.parametrize(
    "lost", ["reward_function.py", "model/model_metadata.json", "ip/hyperparameters.json"]
)
def test_a_model_that_lacks_something(yard: Yard, lost: str) -> None:
    make_model(yard.own, "model", [1])
    yard.own.delete([f"model/{lost}"])
    answer = yard.dr("upload-model")
    assert answer.exit_code == 1 and f"lacks model/{lost}" in answer.stderr
    assert contents(yard.aws) == {}


def test_an_upload_that_was_cut_off_is_finished_first(yard: Yard) -> None:
    make_model(yard.own, "model", [1])
    yard.aws.put("model-1.drcli-0123456789ab/0000", b"staged")
    yard.aws.put("model-1.drcli-0123456789ab/plan.json", b'{"names": ["notes"], "drop": []}')
    before = contents(yard.aws)
    yard.done("upload-model", "-d")
    assert contents(yard.aws) == before
    answer = yard.dr("upload-model")
    assert "had been cut off was finished" in answer.stderr and answer.exit_code == 1
    assert contents(yard.aws) == {"model-1/notes": b"staged"}


def test_help_has_examples(yard: Yard) -> None:
    assert "  dr upload-model -b -1" in yard.done("upload-model", "--help").stdout
