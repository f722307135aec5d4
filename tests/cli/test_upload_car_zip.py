from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest
from shipping import METADATA, contents, graph, make_model
from shipyard import Yard

from drcli.config.model_metadata import ModelMetadata


def unpacked(data: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as archive:
        return {entry.name: archive.extractfile(entry).read() for entry in archive}  # type: ignore[union-attr]


@pytest.mark.parametrize(("words", "number"), [((), 10), (("-b",), 1), (("-c", "1"), 1)])
def test_the_graph_of_the_chosen_checkpoint(yard: Yard, words: tuple[str, ...], number: int) -> None:
    make_model(yard.own, "model", [1, 10, 100], last=10)
    answer = yard.done("upload-car-zip", *words)
    (key, data), *others = contents(yard.aws).items()
    assert key == "model-1/carfile.tar.gz" and not others
    assert unpacked(data)["agent/model.pb"] == graph(number)
    assert json.loads(unpacked(data)["model_metadata.json"]) == METADATA
    assert f"s3://{yard.aws.config.bucket}/model-1/carfile.tar.gz" in answer.stdout


def test_one_that_is_there(yard: Yard) -> None:
    make_model(yard.own, "model", [1])
    yard.aws.put("model-1/carfile.tar.gz", b"old")
    assert yard.dr("upload-car-zip", answer="n\n").exit_code == 1
    assert yard.aws.get("model-1/carfile.tar.gz") == b"old"
    yard.done("upload-car-zip", "-f")
    assert yard.aws.get("model-1/carfile.tar.gz") != b"old"


def test_local_and_another_model(yard: Yard) -> None:
    make_model(yard.own, "team/model", [1])
    yard.done("upload-car-zip", "-L", "-p", "team/model")
    assert yard.own.exists("team/model/carfile.tar.gz") and contents(yard.aws) == {}


def test_only_a_file(yard: Yard, tmp_path: Path) -> None:
    make_model(yard.own, "model", [1])
    path = tmp_path / "out" / "fast-3.tar.gz"
    facts = json.loads(yard.done("upload-car-zip", "--output", str(path), "--json").stdout)
    assert set(unpacked(path.read_bytes())) == {"agent/model.pb", "model_metadata.json"}
    assert facts["target"] == str(path) and facts["bytes"] == path.stat().st_size
    assert contents(yard.aws) == {} and [entry.name for entry in path.parent.iterdir()] == ["fast-3.tar.gz"]
    path.write_bytes(b"old")
    assert yard.dr("upload-car-zip", "--output", str(path), answer="n\n").exit_code == 1
    assert path.read_bytes() == b"old"
    assert "named *.tar.gz" in yard.dr("upload-car-zip", "--output", "x.zip").stderr


def test_without_a_graph(yard: Yard) -> None:
    make_model(yard.own, "model", [1, 2])
    yard.own.delete(["model/model/model_2.pb"])
    answer = yard.dr("upload-car-zip")
    assert answer.exit_code == 1 and "no model_2.pb" in answer.stderr
    assert contents(yard.aws) == {}


def test_a_model_of_ours(yard: Yard) -> None:
    from drcli.tables import EXPORTS
    from drcli.train.actor_critic import ActorCritic
    from drcli.train.checkpoint import pack, to_tensors
    from drcli.train.model import ModelSpec

    make_model(yard.own, "model", [1, 2], community=False)
    source = yard.own.get("model/model/model_metadata.json")
    weights = pack(to_tensors(ActorCritic(ModelSpec.of(ModelMetadata.parse(source, "metadata")))), {})
    yard.own.put("model/model/2_Step-200.ckpt.safetensors", weights)
    yard.done("upload-car-zip")
    files = unpacked(yard.aws.get("model-1/carfile.tar.gz"))
    metadata = ModelMetadata.parse(files["model_metadata.json"], "model_metadata.json")
    assert files["agent/model.pb"] == EXPORTS.load("car").export(weights, metadata)
    answer = yard.dr("upload-car-zip", "-c", "1", "-f")
    assert answer.exit_code == 1 and "damaged" in answer.stderr
    assert yard.aws.get("model-1/carfile.tar.gz"), "the one before stays"
