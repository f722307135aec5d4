"""Models of the community's engine in the bucket: commands take them as they are, runs drive and train them."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable
from typing import Any

import pytest
from community_models import BOTH, CONTINUOUS, DATA, DISCRETE, in_shards, needs_models, put_community_model
from model_samples import contents, under
from racing import HYPERPARAMETERS
from upload_targets import UploadTargets

from drcli.config.model_metadata import ModelMetadata
from drcli.contract.keys import ModelKeys
from drcli.store import simtrace
from drcli.store.checkpoints import list_checkpoints, read_index
from drcli.tensorflow.frozen_graph import read_constants
from drcli.tensorflow.tensor_bundle import read_bundle
from drcli.train.checkpoint import to_tensors

pytestmark = needs_models

OF_BOTH = pytest.mark.parametrize("graph", BOTH)


@OF_BOTH
def test_it_is_listed(upload_targets: UploadTargets, graph: str) -> None:
    model = put_community_model(upload_targets.own, "team/theirs", graph)
    (row,) = json.loads(upload_targets.done("models", "--json").stdout)
    assert (row["prefix"], row["world_name"], row["checkpoints"]) == ("team/theirs", "reinvent_base", 1)
    assert (row["best_checkpoint"], row["last_checkpoint"]) == (str(model.name),) * 2
    assert 0 < row["best_progress"] <= 100  # of its own metrics
    assert "team/theirs" in upload_targets.done("models").stdout


@OF_BOTH
@pytest.mark.parametrize("is_with_graph", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_its_car_file(upload_targets: UploadTargets, graph: str, is_with_graph: bool) -> None:
    """With the graph that its engine wrote, else with one made from the weights: the same here."""
    model = put_community_model(upload_targets.own, "theirs", graph)
    if not is_with_graph:
        upload_targets.own.delete([f"theirs/model/model_{model.name.number}.pb"])
    upload_targets.done("upload-car-zip", "-L", "-p", "theirs")
    packed = io.BytesIO(upload_targets.own.get("theirs/carfile.tar.gz"))
    with tarfile.open(fileobj=packed) as archive:
        pb = archive.extractfile("agent/model.pb").read()  # type: ignore[union-attr]
        metadata = archive.extractfile("model_metadata.json").read()  # type: ignore[union-attr]
    assert pb == model.graph
    assert metadata == model.metadata
    own = to_tensors(model.network)
    constants = read_constants(pb)
    names = [name for name in own if "network_1" in name and "log_std" not in name]
    assert all((constants[name] == own[name].numpy()).all() for name in names)


@OF_BOTH
def test_its_upload_passes_the_import_checks(upload_targets: UploadTargets, graph: str) -> None:
    """No byte of its checkpoint is another one."""
    model = put_community_model(upload_targets.own, "theirs", graph)
    settings = ("--set", "DR_WORLD_NAME=reinvent_base")
    answer = upload_targets.done("upload-model", "-p", "theirs", "-i", *settings)
    there = under("theirs", contents(upload_targets.aws))
    assert str(model.name) in answer.stdout
    for part in ("index", DATA, "meta"):
        assert there[f"model/{model.name}.{part}"] == model.files[part]
    assert there[f"model/model_{model.name.number}.pb"] == model.graph


@pytest.mark.parametrize("graph", [DISCRETE, pytest.param(CONTINUOUS, marks=pytest.mark.slow)])
def test_its_graph_alone_is_uploaded_as_a_whole_model(upload_targets: UploadTargets, graph: str) -> None:
    model = put_community_model(upload_targets.own, "model", graph)
    upload_targets.own.delete([f"model/model/{model.name}.{part}" for part in ("index", DATA, "meta")])
    upload_targets.done("upload-model", "-b", "-i", "--set", "DR_WORLD_NAME=reinvent_base")
    there = under("model-1", contents(upload_targets.aws))
    number = model.name.number
    assert {name for name in there if f"model/{number}_" in name} == {
        f"model/{number}_Step-0.ckpt.{part}" for part in ("index", DATA, "meta")
    }
    assert there[f"model/model_{number}.pb"] == model.graph
    best = json.loads(there["model/deepracer_checkpoints.json"])["best_checkpoint"]
    assert (best["name"], best["avg_eval_metric"]) == (f"{number}_Step-0.ckpt", 81.5)


def test_an_upload_makes_up_for_the_meta_of_several_shards(upload_targets: UploadTargets) -> None:
    """And for nothing else: a second set of values would contradict the index."""
    model = put_community_model(upload_targets.own, "model", DISCRETE)
    upload_targets.own.delete([f"model/model/{model.name}.{part}" for part in ("index", DATA, "meta")])
    shards = in_shards(read_bundle(model.files["index"], {0: model.files[DATA]}), 3)
    for part, content in shards.items():
        upload_targets.own.put(f"model/model/{model.name}.{part}", content)
    upload_targets.done("upload-model")
    start = f"model-1/model/{model.name}."
    there = {
        key.removeprefix(start): data for key, data in contents(upload_targets.aws).items() if start in key
    }
    assert there.keys() == {*shards, "meta"}
    assert all(there[part] == content for part, content in shards.items())


@OF_BOTH
def test_a_dry_run_and_the_doctor_take_its_settings(upload_targets: UploadTargets, graph: str) -> None:
    model = put_community_model(upload_targets.own, "theirs", graph)
    with upload_targets.workspace.run_env.open("a") as file:
        file.write(
            "DR_LOCAL_S3_PRETRAINED=True\nDR_LOCAL_S3_PRETRAINED_PREFIX=theirs\nDR_WORLD_NAME=drcli_oval\n"
        )
    folder = upload_targets.workspace.custom_files
    folder.mkdir()
    (folder / "model_metadata.json").write_bytes(model.metadata)
    (folder / "reward_function.py").write_bytes(upload_targets.own.get("theirs/reward_function.py"))
    (folder / "hyperparameters.json").write_text("{}")
    before = contents(upload_targets.own)
    shown = upload_targets.done("start-training", "--dry-run")
    assert "theirs" in shown.stdout
    report = json.loads(upload_targets.dr("doctor", "--json").stdout)
    assert report and "Traceback" not in json.dumps(report)
    assert contents(upload_targets.own) == before


# Real runs.


def racer_with(new_racer: Callable[[], Any], graph: str, **settings: str) -> tuple[Any, Any]:
    racer = new_racer()
    model = put_community_model(racer.open_bucket(), "theirs", graph)
    (racer.workspace.custom_files / "model_metadata.json").write_bytes(model.metadata)
    racer.write_run_env(**settings)
    return racer, model


@pytest.mark.slow
@OF_BOTH
def test_it_drives(new_racer: Callable[[], Any], graph: str) -> None:
    settings = {
        "DR_LOCAL_S3_MODEL_PREFIX": "theirs",
        "DR_EVAL_NUMBER_OF_TRIALS": "2",
        "DR_EVAL_MAX_RESETS": "1",
        "DR_EVAL_IS_CONTINUOUS": "False",
    }
    racer, model = racer_with(new_racer, graph, **settings)
    before = contents(racer.bucket, "theirs/model/")
    result = racer.invoke("evaluate", "--json", "--checkpoint", "best")
    assert result.exit_code == 0, result.stderr
    document = json.loads(result.stdout)
    assert (document["model"], document["checkpoint"]) == ("theirs", str(model.name))
    assert len(document["trials"]) == 2 and document["trials"][0]["lap_time_s"] > 0
    (trace,) = [info.key for info in racer.bucket.list("theirs/") if info.key.endswith("0-iteration.csv")]
    rows = simtrace.read_csv(racer.bucket.get(trace), trace)
    metadata = ModelMetadata.parse(model.metadata, "theirs")
    steering, speed = simtrace.HEADER.index("steer"), simtrace.HEADER.index("throttle")
    if metadata.discrete:
        actions = {(action.steering_angle_deg, action.speed_mps) for action in metadata.discrete}
        assert {(row[steering], round(row[speed], 6)) for row in rows} <= {
            (angle, round(speed, 6)) for angle, speed in actions
        }
    else:
        assert all(-25 <= row[steering] <= 27 and 1 <= row[speed] <= 3.3 for row in rows)
    assert contents(racer.bucket, "theirs/model/") == before


@pytest.mark.slow
@pytest.mark.parametrize("graph", [DISCRETE, CONTINUOUS, "graph-alone"])
def test_a_training_goes_on_from_it(new_racer: Callable[[], Any], graph: str) -> None:
    settings = {"DR_LOCAL_S3_PRETRAINED": "True", "DR_LOCAL_S3_PRETRAINED_PREFIX": "theirs"}
    is_graph = graph == "graph-alone"
    racer, model = racer_with(new_racer, CONTINUOUS if is_graph else graph, **settings)
    if is_graph:
        racer.bucket.delete([f"theirs/model/{model.name}.{part}" for part in ("index", DATA, "meta")])
    racer.write_hyperparameters(HYPERPARAMETERS)
    before, name = (
        contents(racer.bucket, "theirs/"),
        f"{model.name.number}_Step-0.ckpt" if is_graph else model.name,
    )
    done = racer.dr("start-training")
    assert done.returncode == 0, done.stderr
    first = model.name.number + 1
    assert f"Continues from theirs, checkpoint {name}; the first of the new model is {first}." in done.stderr
    log = (racer.workspace.logs / "0" / "training" / "sagemaker.log").read_text()
    assert f"Restoring from path=theirs/model/{name}" in log
    numbers = [name.number for name in list_checkpoints(racer.bucket, ModelKeys("model"))]
    assert numbers and min(numbers) >= first
    assert read_index(racer.bucket, ModelKeys("model")).last.name.number == max(numbers) > first  # type: ignore[union-attr]
    assert contents(racer.bucket, "theirs/") == before
