from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from model_samples import PARTS, make_model, name

from drcli.contract.keys import ModelKeys
from drcli.errors import DrError
from drcli.store.checkpoints import CheckpointEntry, read_index
from drcli.store.client import Bucket, ObjectInfo
from drcli.store.model_files import (
    check_is_one_model,
    choose,
    is_same_bucket,
    outdated,
    overlap,
    relative,
)

NOW = datetime.now(UTC)


def listed(*keys: str) -> list[ObjectInfo]:
    return [ObjectInfo(key, 1, NOW) for key in keys]


def names(objects: tuple[ObjectInfo, ...]) -> set[str]:
    return {info.key.rpartition("/")[2] for info in objects}


@pytest.mark.parametrize(("which", "number"), [("best", 2), ("last", 10), (1, 1), (10, 10)])
def test_exactly_the_checkpoint_of_the_community(bucket: Bucket, which: object, number: int) -> None:
    make_model(bucket, "team/model", [1, 2, 10, 11, 100], best=2, last=10)
    make_model(bucket, "team/model-10", [1, 2])
    chosen = choose(bucket, "team/model", which)  # type: ignore[arg-type]
    assert chosen.name == name(number)
    assert names(chosen.objects) == {*(f"{name(number)}.{part}" for part in PARTS), f"model_{number}.pb"}
    assert chosen.index.best == chosen.index.last == chosen.entry
    assert chosen.entry.metric == {"best": 83.5, "last": 70.0}.get(str(which), 70.0 if number == 10 else None)
    assert chosen.files.has_tensorflow and not chosen.files.is_ours


def test_exactly_the_checkpoint_of_ours(bucket: Bucket) -> None:
    make_model(bucket, "model", [1, 10], community=False)
    chosen = choose(bucket, "model", 1)
    assert names(chosen.objects) == {"1_Step-100.ckpt.safetensors"} and chosen.files.is_ours


def test_the_fastest_one_if_it_is_known(bucket: Bucket) -> None:
    make_model(bucket, "model", [1, 2, 10], community=False)
    with pytest.raises(DrError, match="The fastest checkpoint of model is not known") as caught:
        choose(bucket, "model", "fastest")
    assert "best, last" in caught.value.hint
    index = read_index(bucket, ModelKeys("model"))
    assert index
    fastest = CheckpointEntry(name(2), 7500.0, 9.5)
    bucket.put(ModelKeys("model").checkpoints_index, replace(index, fastest=fastest).to_json())
    assert choose(bucket, "model", "fastest").entry == fastest


@pytest.mark.parametrize(
    ("which", "said"), [(7, "no checkpoint 7"), ("best", "7_Step-700.ckpt, was not found")]
)
def test_a_checkpoint_that_is_not_there(bucket: Bucket, which: object, said: str) -> None:
    make_model(bucket, "model", [1, 2, 70], best=7)
    with pytest.raises(DrError, match=said) as caught:
        choose(bucket, "model", which)  # type: ignore[arg-type]
    assert caught.value.hint == "It has 1, 2, 70."


def test_an_incomplete_checkpoint_is_none(bucket: Bucket) -> None:
    make_model(bucket, "model", [1, 2])
    bucket.delete(["model/model/2_Step-200.ckpt.data-00000-of-00001"])
    assert choose(bucket, "model", "last").name == name(1)
    with pytest.raises(DrError, match="no checkpoint 2"):
        choose(bucket, "model", 2)
    bucket.delete(["model/model/1_Step-100.ckpt.index"])
    with pytest.raises(DrError, match="no complete checkpoint"):
        choose(bucket, "model", "last")


def test_without_an_index(bucket: Bucket) -> None:
    make_model(bucket, "model", [1, 2])
    bucket.delete(["model/model/deepracer_checkpoints.json"])
    bucket.put("model/model/.coach_checkpoint", b"1_Step-100.ckpt\n")
    assert choose(bucket, "model", "last").name == name(1)
    with pytest.raises(DrError, match="no index"):
        choose(bucket, "model", "best")


def test_two_of_one_number(bucket: Bucket) -> None:
    """A try that was given up has left another checkpoint 2: the documents tell which one counts."""
    make_model(bucket, "model", [1, 2])
    for part in PARTS:
        bucket.put(f"model/model/2_Step-999.ckpt.{part}", b"given up")
    assert choose(bucket, "model", 2).name == name(2)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ([], "The model team was not found"),
        (
            ["team/a/model/1_Step-1.ckpt.index", "team/b/model/.coach_checkpoint"],
            "other models in it: team/a, team/b",
        ),
        (["team/model/model/.coach_checkpoint"], "other models in it: team/model"),
        (["team/reward_function.py", "team/model_metadata.json"], "is not a model"),
        (["team-1/model/.coach_checkpoint", "teams/ip/done"], "The model team was not found"),
    ],
)
def test_what_is_no_model(bucket: Bucket, keys: list[str], said: str) -> None:
    for key in keys:
        bucket.put(key, b"")
    with pytest.raises(DrError, match=said):
        check_is_one_model(bucket, "team")


@pytest.mark.parametrize(
    ("one", "other", "is_overlap"),
    [("a", "a", True), ("a", "a/b", True), ("a/b", "a", True), ("a", "a-1", False), ("a/b", "a/b1", False)],
)
def test_overlap(one: str, other: str, is_overlap: bool) -> None:
    assert overlap(one, other) is is_overlap


def test_the_same_bucket_by_another_way(bucket: Bucket) -> None:
    assert is_same_bucket(bucket, Bucket(bucket.config))
    other = type(bucket.config)("elsewhere", bucket.config.endpoint_url, access_key="x")
    assert not is_same_bucket(bucket, Bucket(other))


_word = st.sampled_from(
    ["model", "model-1", "model-10", "m", "team", "ip", "1_Step-1.ckpt.index", ".ready", "x"]
)
_key = st.lists(_word, min_size=1, max_size=5).map("/".join)


@given(st.lists(_key, unique=True), _key, st.lists(_key), st.booleans())
def test_nothing_but_the_prefix_ever_goes(keys: list[str], prefix: str, new: list[str], wipe: bool) -> None:
    gone = outdated(prefix, listed(*keys), new, wipe=wipe)
    assert all(key.startswith(f"{prefix}/") for key in gone)
    assert not set(gone) & {f"{prefix}/{name}" for name in new}
    if wipe:
        assert set(gone) == {key for key in keys if key.startswith(f"{prefix}/")} - {
            f"{prefix}/{n}" for n in new
        }
    else:
        assert all(
            key.startswith(f"{prefix}/model/") and key.count("/") == prefix.count("/") + 2 for key in gone
        )


def test_markers_of_folders_are_no_files() -> None:
    assert list(relative("m", listed("m/", "m/model/", "m/model/x", "m-1/y"))) == ["model/x"]
