from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest
from model_samples import METADATA, contents, graph, make_model
from upload_targets import UploadTargets

from drcli.config.model_metadata import ModelMetadata
from drcli.train.actor_critic import ActorCritic, new_actor_critic
from drcli.train.checkpoint import Checkpoint, pack, to_tensors
from drcli.train.exports.export import exported
from drcli.train.model import ModelSpec


def unpacked(data: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as archive:
        return {entry.name: archive.extractfile(entry).read() for entry in archive}  # type: ignore[union-attr]


@pytest.mark.parametrize(("words", "number"), [((), 10), (("-b",), 1), (("-c", "1"), 1)])
def test_the_graph_of_the_chosen_checkpoint(
    upload_targets: UploadTargets, words: tuple[str, ...], number: int
) -> None:
    make_model(upload_targets.own, "model", [1, 10, 100], last=10)
    answer = upload_targets.done("upload-car-zip", *words)
    (key, data), *others = contents(upload_targets.aws).items()
    assert key == "model-1/carfile.tar.gz" and not others
    assert unpacked(data)["agent/model.pb"] == graph(number)
    assert json.loads(unpacked(data)["model_metadata.json"]) == METADATA
    assert f"s3://{upload_targets.aws.config.bucket}/model-1/carfile.tar.gz" in answer.stdout


def test_one_that_is_there(upload_targets: UploadTargets) -> None:
    make_model(upload_targets.own, "model", [1])
    upload_targets.aws.put("model-1/carfile.tar.gz", b"old")
    assert upload_targets.dr("upload-car-zip", answer="n\n").exit_code == 1
    assert upload_targets.aws.get("model-1/carfile.tar.gz") == b"old"
    upload_targets.done("upload-car-zip", "-f")
    assert upload_targets.aws.get("model-1/carfile.tar.gz") != b"old"


def test_local_and_another_model(upload_targets: UploadTargets) -> None:
    make_model(upload_targets.own, "team/model", [1])
    upload_targets.done("upload-car-zip", "-L", "-p", "team/model")
    assert upload_targets.own.exists("team/model/carfile.tar.gz") and contents(upload_targets.aws) == {}


def test_only_a_file(upload_targets: UploadTargets, tmp_path: Path) -> None:
    make_model(upload_targets.own, "model", [1])
    path = tmp_path / "out" / "fast-3.tar.gz"
    facts = json.loads(upload_targets.done("upload-car-zip", "--output", str(path), "--json").stdout)
    assert set(unpacked(path.read_bytes())) == {"agent/model.pb", "model_metadata.json"}
    assert facts["target"] == str(path) and facts["bytes"] == path.stat().st_size
    assert contents(upload_targets.aws) == {} and [entry.name for entry in path.parent.iterdir()] == [
        "fast-3.tar.gz"
    ]
    path.write_bytes(b"old")
    assert upload_targets.dr("upload-car-zip", "--output", str(path), answer="n\n").exit_code == 1
    assert path.read_bytes() == b"old"
    assert "named *.tar.gz" in upload_targets.dr("upload-car-zip", "--output", "x.zip").stderr


def test_without_a_graph(upload_targets: UploadTargets) -> None:
    """Then it is made from the weights, whichever engine wrote them."""
    make_model(upload_targets.own, "model", [1, 2])
    upload_targets.own.delete(["model/model/model_2.pb"])
    answer = upload_targets.dr("upload-car-zip")
    assert answer.exit_code == 1 and "The checkpoint has no variable" in answer.stderr
    assert contents(upload_targets.aws) == {}
    metadata = ModelMetadata.parse(upload_targets.own.get("model/model/model_metadata.json"), "metadata")
    network = new_actor_critic(ModelSpec.of(metadata))
    files = exported(Checkpoint(to_tensors(network), {}, {}), metadata, ["tensorflow"])
    for part in ("index", "data-00000-of-00001"):
        upload_targets.own.put(f"model/model/2_Step-200.ckpt.{part}", files[part])
    upload_targets.done("upload-car-zip")
    car = unpacked(upload_targets.aws.get("model-1/carfile.tar.gz"))
    assert car["agent/model.pb"] == files["pb"]


def test_a_model_of_ours(upload_targets: UploadTargets) -> None:
    make_model(upload_targets.own, "model", [1, 2], community=False)
    source = upload_targets.own.get("model/model/model_metadata.json")
    network = ActorCritic(ModelSpec.of(ModelMetadata.parse(source, "metadata")))
    checkpoint = Checkpoint(to_tensors(network), {}, {})
    upload_targets.own.put("model/model/2_Step-200.ckpt.safetensors", pack(checkpoint.variables, {}))
    upload_targets.done("upload-car-zip")
    files = unpacked(upload_targets.aws.get("model-1/carfile.tar.gz"))
    metadata = ModelMetadata.parse(files["model_metadata.json"], "model_metadata.json")
    assert files["agent/model.pb"] == exported(checkpoint, metadata, ["car"])["pb"]
    answer = upload_targets.dr("upload-car-zip", "-c", "1", "-f")
    assert answer.exit_code == 1 and "damaged" in answer.stderr
    assert upload_targets.aws.get("model-1/carfile.tar.gz"), "the one before stays"
