"""Which files are a checkpoint, and which of them its weights are read from."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from drcli.contract.checkpoint_names import CheckpointName
from drcli.errors import DrError
from drcli.store.checkpoint_files import MAX_BYTES, CheckpointFiles, checkpoints_among, named
from drcli.store.client import Bucket, ObjectInfo

ONE = CheckpointName(1, 7)
TF = ("index", "data-00000-of-00002", "data-00001-of-00002")


def among(*files: str, size_bytes: int = 1) -> dict[CheckpointName, CheckpointFiles]:
    objects = [ObjectInfo(f"team/m/model/{file}", size_bytes, datetime.now(UTC)) for file in files]
    return checkpoints_among("team/m", objects)


def of_one(*parts: str) -> list[str]:
    return [f"1_Step-7.ckpt.{part}" for part in parts]


@pytest.mark.parametrize(
    ("files", "weights"),
    [
        (of_one("safetensors"), {"safetensors"}),
        ([*of_one("safetensors", *TF, "meta"), "model_1.pb"], {"safetensors"}),
        ([*of_one(*TF, "meta"), "model_1.pb"], set(TF)),
        (of_one(*TF), set(TF)),
    ],
    ids=["ours", "both", "tensorflow", "without-meta"],
)
def test_where_the_weights_are(files: list[str], weights: set[str]) -> None:
    (found,) = among(*files).values()
    assert found.name == ONE
    assert found.weights.keys() == weights
    assert found.is_ours == ("safetensors" in weights)
    assert found.has_tensorflow == ("1_Step-7.ckpt.meta" in files)
    assert ("pb" in found.parts) == ("model_1.pb" in files)


def test_a_graph_alone_is_a_checkpoint_whose_steps_nobody_knows() -> None:
    found = among("model_12.pb", "model.pb", "model_x.pb")
    assert found.keys() == {CheckpointName(12, 0)}
    assert found[CheckpointName(12, 0)].weights.keys() == {"pb"}


@pytest.mark.parametrize("missing", TF)
def test_half_a_checkpoint_is_none_even_with_its_graph(missing: str) -> None:
    """What is being written is not read from the graph, which has no value network."""
    files = of_one(*(part for part in TF if part != missing), "meta")
    assert among(*files, "model_1.pb") == {}


def test_other_folders_and_files_are_none() -> None:
    assert (
        among("deeper/1_Step-7.ckpt.safetensors", "1_Step-7.ckpt.safetensors.tmp", ".coach_checkpoint") == {}
    )
    assert checkpoints_among("team", [ObjectInfo("team/m/model/model_1.pb", 1, datetime.now(UTC))]) == {}


def test_they_are_in_the_order_of_their_numbers() -> None:
    files = [f"{number}_Step-{number}.ckpt.safetensors" for number in (10, 9, 100)]
    assert [name.number for name in among(*files)] == [9, 10, 100]


def test_a_huge_one_is_not_read(bucket: Bucket) -> None:
    (found,) = among(*of_one("safetensors"), size_bytes=MAX_BYTES + 1).values()
    with pytest.raises(DrError, match=r"1_Step-7\.ckpt has 2\.1 GB"):
        found.read(bucket)


def test_one_that_was_deleted_is_not_read(bucket: Bucket) -> None:
    (found,) = among(*of_one(*TF)).values()
    bucket.put(found.parts["index"].key, b"i")
    bucket.put(found.parts[TF[1]].key, b"0")
    assert found.read(bucket) is None
    bucket.put(found.parts[TF[2]].key, b"1")
    assert found.read(bucket) == {"index": b"i", TF[1]: b"0", TF[2]: b"1"}


def test_a_document_names_a_checkpoint_or_the_graph_that_is_left_of_it() -> None:
    there = among(*of_one("safetensors"), "model_12.pb", "model_1.pb")
    assert named(there, ONE) == ONE
    assert named(there, CheckpointName(12, 3456)) == CheckpointName(12, 0)
    assert named(there, CheckpointName(1, 8)) is None  # another run's
    assert named(there, CheckpointName(2, 0)) is named(there, None) is None
