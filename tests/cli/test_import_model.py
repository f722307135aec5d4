"""`dr import-model`: archives, folders and buckets of others, into a real bucket."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from archives import tar_gz, zip_of
from model_samples import METADATA, REWARD, SENSOR, contents, graph, make_model, name, under, weights
from model_specs import metadata, new_network
from upload_targets import UploadTargets, pretend_to_train

from drcli.models.carfile import pack
from drcli.store.checkpoints import CheckpointIndex
from drcli.store.metrics import EpisodeResult, TrainingMetrics
from drcli.train.checkpoint import Checkpoint, to_tensors
from drcli.train.exports.car_graph import CarGraph

GRAPHS = Path(__file__).parents[3] / "shared" / "graphs"
needs_graphs = pytest.mark.skipif(not GRAPHS.is_dir(), reason="reference graphs are not on this machine")
CONSOLE_PREFIX, TRAINING = "data-1/models/b5a7", "training-20230608143740-B0d4THMv"
RENAMED = {
    "training_params_b080e2d4-1823-4ec8-a221-9705ab8beea8.yaml": "training_params.yaml",
    f"metrics/training/{TRAINING}.json": "metrics/TrainingMetrics.json",
    "logs/training.log": "",
    "ip/ip.json": "",
}
HYPERPARAMETERS = b'{"batch_size": 64, "lr": "0.0003", "stack_size": "1"}'


def checkpoint_files(number: int) -> dict[str, bytes]:
    parts = ("data-00000-of-00001", "index", "meta")
    return {f"model/{name(number)}.{part}": weights(number, part) for part in parts}


def console_model(metadata: bytes = json.dumps(METADATA).encode()) -> dict[str, bytes]:
    """A virtual model of the AWS console: two checkpoints, the better one first."""
    document = (
        'SAGEMAKER_SHARED_S3_BUCKET: "aws-data"\nWORLD_NAME: "reInvent2019_wide"\nMETRICS_S3_BUCKET: "aws-data"\n'
        f'SAGEMAKER_SHARED_S3_PREFIX: "{CONSOLE_PREFIX}/sagemaker-robomaker-artifacts/"\n'
        f'METRICS_S3_OBJECT_KEY: "{CONSOLE_PREFIX}/metrics/training/{TRAINING}.json"\n'
    ).encode()
    metrics = TrainingMetrics()
    metrics.append("evaluation", EpisodeResult(9.0, 87.6, "off_track", 0.0, 8.0))
    best, last = ({"name": str(name(number)), "avg_comp_pct": 90.0} for number in (3, 4))
    return {
        "reward_function.py": REWARD,
        "ip/hyperparameters.json": HYPERPARAMETERS,
        "ip/ip.json": b"{}",
        "model/model_metadata.json": metadata,
        "model/deepracer_checkpoints.json": json.dumps(
            {"best_checkpoint": best, "last_checkpoint": last}
        ).encode(),
        "model/.coach_checkpoint": str(name(4)).encode(),
        "training_params_b080e2d4-1823-4ec8-a221-9705ab8beea8.yaml": document,
        f"metrics/training/{TRAINING}.json": metrics.to_json(),
        "logs/training.log": b"much",
    } | {file: data for number in (3, 4) for file, data in checkpoint_files(number).items()}


def write(path: Path, data: bytes) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return str(path)


def lay_out(folder: Path, files: Mapping[str, bytes]) -> str:
    for file, data in files.items():
        write(folder / file, data)
    return str(folder)


def to_archive(targets: UploadTargets, folder: Path, files: Mapping[str, bytes]) -> str:
    return write(folder / "fast 3.tar.gz", tar_gz({f"./fast 3/{file}": data for file, data in files.items()}))


def to_zip(targets: UploadTargets, folder: Path, files: Mapping[str, bytes]) -> str:
    return write(folder / "fast 3.zip", zip_of(files))


def to_folder(targets: UploadTargets, folder: Path, files: Mapping[str, bytes]) -> str:
    return lay_out(folder / "fast 3", files)


def to_bucket(targets: UploadTargets, folder: Path, files: Mapping[str, bytes]) -> str:
    for file, data in files.items():
        targets.aws.put(f"team/fast 3/{file}", data)
    return f"s3://{targets.aws.config.bucket}/team/fast 3"


def to_archive_in_bucket(targets: UploadTargets, folder: Path, files: Mapping[str, bytes]) -> str:
    targets.aws.put("team/fast 3.tar.gz", tar_gz(files))
    return f"s3://{targets.aws.config.bucket}/team/fast 3.tar.gz"


Place = Callable[[UploadTargets, Path, Mapping[str, bytes]], str]


@pytest.mark.parametrize("place", [to_archive, to_zip, to_folder, to_bucket, to_archive_in_bucket])
def test_a_console_model(upload_targets: UploadTargets, tmp_path: Path, place: Place) -> None:
    source = place(upload_targets, tmp_path, console_model())
    answer = upload_targets.done("import-model", source, "-d")
    assert contents(upload_targets.own) == {} and "model/4_Step-400.ckpt.index" in answer.stdout
    assert "-p fast-3" in answer.stderr
    answer = upload_targets.done("import-model", source)
    here = under("fast-3", contents(upload_targets.own))
    theirs = console_model()
    assert set(here) == {RENAMED.get(file, file) for file in theirs} - {""}
    for file in here.keys() & theirs.keys() - {"model/deepracer_checkpoints.json"}:
        assert here[file] == theirs[file], file
    index = CheckpointIndex.from_json(here["model/deepracer_checkpoints.json"])
    assert (index.best.name, index.last.name, index.best.metric) == (name(3), name(4), 90.0)
    values = yaml.safe_load(here["training_params.yaml"])
    assert values["SAGEMAKER_SHARED_S3_BUCKET"] == upload_targets.own.config.bucket
    assert values["SAGEMAKER_SHARED_S3_PREFIX"] == "fast-3"
    assert f"{SENSOR}, 2 discrete actions, " in answer.stderr and "stack_size 1" in answer.stderr
    assert "left out: 2" in answer.stderr and "warning" not in answer.stderr
    assert "DR_LOCAL_S3_PRETRAINED_PREFIX=fast-3" in answer.stderr
    assert "next: dr evaluate --set DR_LOCAL_S3_MODEL_PREFIX=fast-3" in answer.stderr
    (listed,) = json.loads(upload_targets.done("models", "--json").stdout)
    assert (listed["prefix"], listed["checkpoints"], listed["world_name"]) == (
        "fast-3",
        2,
        "reInvent2019_wide",
    )
    upload_targets.done("upload-model", "-p", "fast-3", "-f", "-b")  # what was imported is a whole model


def test_a_model_of_a_bucket(upload_targets: UploadTargets) -> None:
    """Like download-model, for one of those."""
    make_model(upload_targets.aws, "fast", [1, 2])
    source = f"s3://{upload_targets.aws.config.bucket}/fast"
    upload_targets.done("download-model", "-s", source, "-t", "downloaded")
    answer = upload_targets.done("import-model", source, "--json")
    facts = json.loads(answer.stdout)
    assert (facts["prefix"], facts["ignored"], facts["best"]) == ("fast", 1, "1_Step-100.ckpt")
    assert facts["model"]["actions"] == 2 and facts["dry_run"] is False
    files = contents(upload_targets.own)
    renamed = {key: data.replace(b"downloaded", b"fast") for key, data in under("downloaded", files).items()}
    assert under("fast", files) == renamed


@pytest.mark.parametrize("num_actions", [5, 0])
def test_a_car_archive(upload_targets: UploadTargets, tmp_path: Path, num_actions: int) -> None:
    found = metadata(num_actions)
    checkpoint = Checkpoint(to_tensors(new_network(num_actions, is_shared=False)), {}, {})
    exported = CarGraph.export(checkpoint, found)["pb"]
    document = json.dumps(_document(num_actions)).encode()
    source = write(tmp_path / "fast.tar.gz", pack(document, exported))
    files = upload_targets.workspace.custom_files
    write(files / "reward_function.py", b"mine")
    answer = upload_targets.done("import-model", source, "-c", "-f")
    here = under("fast", contents(upload_targets.own))
    assert here == {
        "model/model_0.pb": exported,
        "model/model_metadata.json": document,
        "model/.coach_checkpoint": b"0_Step-0.ckpt",
        "model/deepracer_checkpoints.json": here["model/deepracer_checkpoints.json"],
    }
    assert (
        str(CheckpointIndex.from_json(here["model/deepracer_checkpoints.json"]).best.name) == "0_Step-0.ckpt"
    )
    assert "has no reward function and no hyperparameters" in answer.stderr
    assert (files / "reward_function.py").read_bytes() == b"mine"
    assert (files / "model_metadata.json").read_bytes() == document


def _document(num_actions: int) -> dict[str, Any]:
    actions = [{"steering_angle": n - 10, "speed": 1.0, "index": n} for n in range(num_actions)]
    bounds = {"steering_angle": {"low": -30, "high": 30}, "speed": {"low": 0.5, "high": 3}}
    kind = "discrete" if actions else "continuous"
    return METADATA | {"action_space": actions or bounds, "action_space_type": kind}


@needs_graphs
@pytest.mark.parametrize("job", ["ppo-discrete-9", "ppo-continuous"])
def test_real_documents(upload_targets: UploadTargets, tmp_path: Path, job: str) -> None:
    """The index, metadata and graphs of two real trainings; the weights, which nobody has, are made up."""
    folder = tmp_path / "model"
    shutil.copytree(GRAPHS / job, folder)
    source = upload_targets.dr("import-model", str(folder))
    assert source.exit_code == 1 and "There is no complete checkpoint" in source.stderr
    (index,) = folder.glob("*.index")
    index.with_suffix(".data-00000-of-00001").write_bytes(b"weights")
    answer = upload_targets.done("import-model", str(folder), "-p", job)
    assert ("continuous" if job == "ppo-continuous" else "9 discrete") in answer.stderr
    here = under(job, contents(upload_targets.own))
    assert here["model/.coach_checkpoint"].decode() == index.stem
    assert here[f"model/{index.name}"] == index.read_bytes()
    assert ("last checkpoint 145_Step-136982.ckpt is not there" in answer.stderr) == (job == "ppo-continuous")


def test_over_something(upload_targets: UploadTargets, tmp_path: Path) -> None:
    make_model(upload_targets.own, "fast", [1])
    upload_targets.own.put("fast/notes.txt", b"mine")
    words = ("import-model", to_folder(upload_targets, tmp_path, console_model()), "-p", "fast")
    before = contents(upload_targets.own)
    assert "already exists" in upload_targets.dr(*words).stderr
    assert upload_targets.dr(*words, "-w", answer="n\n").exit_code == 1
    assert contents(upload_targets.own) == before
    upload_targets.done(*words, "-f")
    here = under("fast", contents(upload_targets.own))
    assert here["notes.txt"] == b"mine" and "model/1_Step-100.ckpt.meta" not in here
    upload_targets.done(*words, "-w", answer="y\n")
    assert "fast/notes.txt" not in contents(upload_targets.own)


def test_while_a_run_uses_the_prefix(upload_targets: UploadTargets, tmp_path: Path) -> None:
    source = to_folder(upload_targets, tmp_path, console_model())
    pretend_to_train(upload_targets, "fast-3")
    answer = upload_targets.dr("import-model", source, "-f")
    assert answer.exit_code == 1 and "run 3 is using the model fast-3" in answer.stderr
    assert contents(upload_targets.own) == {}


def test_a_model_with_two_eyes_and_a_lidar(upload_targets: UploadTargets, tmp_path: Path) -> None:
    bounds = _document(0) | {"training_algorithm": "SAC", "sensor": ["STEREO_CAMERAS", "LIDAR"]}
    files = console_model(b"// mine\n" + json.dumps(bounds).encode())
    answer = upload_targets.done("import-model", to_folder(upload_targets, tmp_path, files))
    assert "STEREO_CAMERAS + LIDAR, continuous actions, " in answer.stderr and ", sac" in answer.stderr
    assert "does not support" not in answer.stderr
    assert "comments are not valid JSON" in answer.stderr
    assert contents(upload_targets.own)["fast-3/model/model_metadata.json"].startswith(b"// mine")


def test_custom_files(upload_targets: UploadTargets, tmp_path: Path) -> None:
    files = upload_targets.workspace.custom_files
    write(files / "reward_function.py", b"mine")
    words = ("import-model", to_folder(upload_targets, tmp_path, console_model()), "-c")
    assert upload_targets.dr(*words, answer="n\n").exit_code == 1
    assert (files / "reward_function.py").read_bytes() == b"mine"
    upload_targets.done(*words, "-f")
    assert (files / "hyperparameters.json").read_bytes() == HYPERPARAMETERS
    assert (files / "reward_function.py").read_bytes() == REWARD
    assert (files / "reward_function.py.bak").read_bytes() == b"mine"


@pytest.mark.parametrize(
    ("left_out", "said"),
    [
        ("model/model_metadata.json", "no model_metadata.json"),
        ("data-00000", "no complete checkpoint; of 3_Step-300.ckpt, 4_Step-400.ckpt files are missing"),
        ("ckpt", "no complete checkpoint and no graph (.pb)."),
    ],
)
def test_incomplete_models(upload_targets: UploadTargets, tmp_path: Path, left_out: str, said: str) -> None:
    files = {file: data for file, data in console_model().items() if left_out not in file}
    answer = upload_targets.dr("import-model", to_folder(upload_targets, tmp_path, files))
    assert answer.exit_code == 1 and said in answer.stderr
    assert contents(upload_targets.own) == {}


def test_a_checkpoint_that_is_cut_off(upload_targets: UploadTargets, tmp_path: Path) -> None:
    """The other one is imported, and stands for it."""
    files = console_model()
    del files["model/3_Step-300.ckpt.index"]
    answer = upload_targets.done("import-model", to_folder(upload_targets, tmp_path, files))
    assert "best checkpoint 3_Step-300.ckpt is not there; 4_Step-400.ckpt is taken for it" in answer.stderr
    assert "Left out, as files are missing: 3_Step-300.ckpt" in answer.stderr
    assert not [key for key in contents(upload_targets.own) if "3_Step" in key]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("nothing.tar.gz",), 2, "nothing.tar.gz was not found"),
        (("s3://bucket",), 2, "is not the address of a model"),
        (("s3://{aws}/nothing",), 1, "was not found"),
        (("model.pb",), 2, "without its model_metadata.json"),
        (("notes.txt",), 1, "notes.txt is not a complete .tar.gz"),
        (("folder", "-p", "../x"), 2, "is not a valid model prefix"),
        (("---.zip",), 2, "-p PREFIX"),
        (("folder",), 1, "reward_function.py in folder is a link"),
        (("two",), 1, "several models: a/, b/"),
        (("large",), 1, "it cannot be what its name says"),
        (("wrong",), 1, "model_metadata.json:1: action_space is missing"),
    ],
)
def test_refused(upload_targets: UploadTargets, words: tuple[str, ...], code: int, said: str) -> None:
    here = upload_targets.workspace.root
    for file in ("model.pb", "notes.txt"):
        write(here / file, b"text")
    write(here / "---.zip", zip_of(console_model()))
    lay_out(here / "folder", {file: data for file, data in console_model().items() if "reward" not in file})
    (here / "folder" / "reward_function.py").symlink_to("/etc/passwd")
    lay_out(here / "two", {f"{folder}/model/model_1.pb": graph(1) for folder in "ab"})
    lay_out(here / "large", console_model(b" " * 600_000))
    lay_out(here / "wrong", console_model(b"{}"))
    aws = upload_targets.aws.config.bucket
    answer = upload_targets.dr("import-model", "--", *(word.format(aws=aws) for word in words))
    if "-p" in words:
        answer = upload_targets.dr("import-model", *words)
    assert answer.exit_code == code and said in answer.stderr, answer.output
    assert contents(upload_targets.own) == {}
