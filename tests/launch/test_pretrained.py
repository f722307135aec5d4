"""Which models a run can go on from, and what is said of the others; docs/tensorflow.md has the table."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import numpy as np
import pytest
from community_models import (
    BOTH,
    CONTINUOUS,
    DATA,
    DISCRETE,
    changed_metadata,
    needs_models,
    put_community_model,
)
from model_samples import METADATA, SENSOR, contents, name

from drcli.config.load import settings_of
from drcli.config.model_metadata import ModelMetadata
from drcli.contract.keys import ModelKeys
from drcli.errors import DrError
from drcli.launch.pretrained import check_pretrained
from drcli.store.checkpoints import CheckpointEntry, CheckpointIndex
from drcli.store.client import Bucket
from drcli.tensorflow.tensor_bundle import shapes_in, write_bundle
from drcli.train.actor_critic import new_actor_critic
from drcli.train.checkpoint import Checkpoint, to_tensors
from drcli.train.exports.export import exported
from drcli.train.model import ModelSpec

OURS, COMMUNITY = "drcli/simapp", "awsdeepracercommunity/deepracer-simapp"
ENGINES = pytest.mark.parametrize("engine", [OURS, COMMUNITY])
KEYS = ModelKeys("old")
CONTINUES = "Continues from old, checkpoint 3_Step-300.ckpt; the first of the new model is 4."
HINT = "Use the model_metadata.json it was trained with; it is next to the model, in model/."
CONTINUOUS_ACTIONS = {"steering_angle": {"low": -25, "high": 27}, "speed": {"low": 1, "high": 3.3}}


@cache
def files(document: str) -> dict[str, bytes]:
    """A checkpoint of a network for the metadata, in all formats."""
    metadata = ModelMetadata.parse(document, "metadata")
    tensors = to_tensors(new_actor_critic(ModelSpec.of(metadata)))
    return exported(Checkpoint(tensors, {}, {}), metadata, ["native", "tensorflow"])


def put_model(bucket: Bucket, *parts: str, **changes: Any) -> None:
    """The model `old` with checkpoint 3 in our format, or with the parts that are named."""
    document = json.dumps(METADATA | changes)
    for part in parts or ("safetensors",):
        key = "old/model/model_3.pb" if part == "pb" else KEYS.checkpoint(str(name(3)), part)
        bucket.put(key, files(document)[part])
    entry = CheckpointEntry(name(3))
    bucket.put(KEYS.checkpoints_index, CheckpointIndex(entry, entry).to_json())
    bucket.put(KEYS.model_metadata, document.encode())


def check(
    bucket: Bucket, engine: str = OURS, document: bytes = b"", which: str = "last", **changes: Any
) -> list[str]:
    """Those lines that a start of a run with these metadata says."""
    words = {"DR_SIMAPP_SOURCE": engine, "DR_DOCKER_STYLE": "process" if engine == OURS else "compose"}
    words |= {"DR_LOCAL_S3_MODEL_PREFIX": "new", "DR_LOCAL_S3_PRETRAINED": "True"}
    words |= {"DR_LOCAL_S3_PRETRAINED_PREFIX": "old", "DR_LOCAL_S3_PRETRAINED_CHECKPOINT": which}
    document = document or json.dumps(METADATA | changes).encode()
    return list(check_pretrained(settings_of(words), bucket, document))


def refusal(bucket: Bucket, engine: str = OURS, **changes: Any) -> str:
    before = contents(bucket)
    with pytest.raises(DrError) as caught:
        check(bucket, engine, **changes)
    assert caught.value.hint == HINT
    assert contents(bucket) == before
    message = caught.value.message
    assert message.startswith("Checkpoint 3_Step-300.ckpt of old does not fit: ") and message.endswith(".")
    return message.partition("does not fit: ")[2].removesuffix(".")


@ENGINES
@pytest.mark.parametrize(
    "parts", [("safetensors",), ("index", DATA, "meta"), ("pb",)], ids=["native", "tf", "pb"]
)
def test_one_that_fits(bucket: Bucket, engine: str, parts: tuple[str, ...]) -> None:
    put_model(bucket, *parts)
    said = [CONTINUES]
    if parts == ("pb",):  # nobody knows its steps
        said = [
            "Continues from old, checkpoint 3_Step-0.ckpt; the first of the new model is 4.",
            "Only its policy is there (model_3.pb); the value network starts from scratch.",
        ]
    assert check(bucket, engine) == said


def test_a_graph_of_continuous_actions_explores_anew(bucket: Bucket) -> None:
    changes = {"action_space": CONTINUOUS_ACTIONS, "action_space_type": "continuous"}
    put_model(bucket, "pb", **changes)
    assert check(bucket, **changes)[1] == (
        "Only its policy is there (model_3.pb); the value network and exploration start from scratch."
    )


# What is refused.


@ENGINES
@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            {},
            {"action_space": METADATA["action_space"] * 2},
            "it has 2 discrete actions, model_metadata.json 4 discrete actions",
        ),
        (
            {"action_space": CONTINUOUS_ACTIONS, "action_space_type": "continuous"},
            {},
            "it has 2 continuous actions, model_metadata.json 2 discrete actions",
        ),
        ({}, {"sensor": ["STEREO_CAMERAS"]}, "it sees FRONT_FACING_CAMERA, not STEREO_CAMERAS"),
        (
            {},
            {"sensor": [SENSOR, "SECTOR_LIDAR"]},
            "it sees FRONT_FACING_CAMERA, not FRONT_FACING_CAMERA, SECTOR_LIDAR",
        ),
        (
            {},
            {
                "training_algorithm": "sac",
                "action_space": CONTINUOUS_ACTIONS,
                "action_space_type": "continuous",
            },
            "it was trained with clipped_ppo, not sac; "
            "it has 2 discrete actions, model_metadata.json 2 continuous actions",
        ),
        (
            {},
            {"neural_network": "DEEP_CONVOLUTIONAL_NETWORK_DEEP"},
            "its network is DEEP_CONVOLUTIONAL_NETWORK_SHALLOW, not DEEP_CONVOLUTIONAL_NETWORK_DEEP",
        ),
    ],
    ids=["number", "kind", "sensor", "further-sensor", "algorithm", "network"],
)
def test_another_network_is_refused(
    bucket: Bucket, engine: str, old: dict[str, Any], new: dict[str, Any], said: str
) -> None:
    put_model(bucket, **old)
    assert refusal(bucket, engine, **new) == said


@ENGINES
def test_several_images_in_the_weights_are_refused(bucket: Bucket, engine: str) -> None:
    put_model(bucket)
    shapes = shapes_in(files(json.dumps(METADATA))["index"])
    stacked = {
        name: np.zeros((8, 8, 4, 32) if name.endswith("Conv2d_0/kernel") else shape, np.float32)
        for name, shape in shapes.items()
    }
    bucket.delete([KEYS.checkpoint(str(name(3)))])
    bundle = write_bundle(stacked)
    for part, content in (("index", bundle.index), (DATA, bundle.data)):
        bucket.put(KEYS.checkpoint(str(name(3)), part), content)
    assert refusal(bucket, engine) == "it sees the last 4 images (stack_size), not one"


@pytest.mark.parametrize(
    ("old", "new"), [("observation", SENSOR), (SENSOR, "observation"), (SENSOR, "LEFT_CAMERA")]
)
def test_a_camera_of_another_name(bucket: Bucket, old: str, new: str) -> None:
    """Our engine shows all of them the same picture; the community's looks for the name."""
    put_model(bucket, sensor=[old])
    assert check(bucket, sensor=[new]) == [
        CONTINUES,
        f"Its camera is called {old}, the run's {new}; both see the same picture.",
    ]
    assert refusal(bucket, COMMUNITY, sensor=[new]) == f"it sees {old}, not {new}"


# What is only said.


@ENGINES
def test_what_an_action_means(bucket: Bucket, engine: str) -> None:
    put_model(bucket)
    angle, speed = {"steering_angle": 15, "speed": 1}, {"steering_angle": 20, "speed": 2.5}
    assert check(bucket, engine, action_space=[angle, METADATA["action_space"][1]]) == [  # type: ignore[index]
        CONTINUES,
        "The same outputs are other actions now: action 0: -20° at 1 m/s becomes 15° at 1 m/s.",
    ]
    assert check(bucket, engine, action_space=[angle, speed])[1].endswith(
        ": action 0: -20° at 1 m/s becomes 15° at 1 m/s, action 1: 20° at 2 m/s becomes 20° at 2.5 m/s."
    )


def test_many_changed_actions_are_not_all_listed(bucket: Bucket) -> None:
    actions = [{"steering_angle": n, "speed": 1} for n in range(5)]
    put_model(bucket, action_space=actions)
    changed = [{"steering_angle": n, "speed": 2} for n in range(5)]
    (_, said) = check(bucket, action_space=changed)
    assert said.count("becomes") == 3 and said.endswith(
        "action 2: 2° at 1 m/s becomes 2° at 2 m/s and 2 more."
    )


@ENGINES
def test_the_bounds_of_actions(bucket: Bucket, engine: str) -> None:
    kind = {"action_space_type": "continuous"}
    put_model(bucket, action_space=CONTINUOUS_ACTIONS, **kind)
    slower = CONTINUOUS_ACTIONS | {"speed": {"low": 1, "high": 2}}
    assert check(bucket, engine, action_space=CONTINUOUS_ACTIONS, **kind) == [CONTINUES]
    assert check(bucket, engine, action_space=slower, **kind) == [
        CONTINUES,
        "The bounds of its actions differ, so the same outputs are other actions now.",
    ]


@ENGINES
def test_the_stack_size_of_its_hyperparameters(bucket: Bucket, engine: str) -> None:
    put_model(bucket)
    bucket.put(KEYS.hyperparameters, b'{"stack_size": 4}')
    assert check(bucket, engine) == [
        CONTINUES,
        "Its stack_size is 4, which has no effect in any engine: its network sees one image.",
    ]
    for content in (b'{"stack_size": 1}', b"{", b'{"stack_size": "many"}'):
        bucket.put(KEYS.hyperparameters, content)
        assert check(bucket, engine) == [CONTINUES]


# Documents that are missing, broken, or another model's.


@pytest.mark.parametrize(
    "content",
    [
        None,
        b"{",
        json.dumps(METADATA | {"action_space": METADATA["action_space"] * 3}).encode(),  # type: ignore[operator]
        json.dumps(METADATA | {"sensor": ["STEREO_CAMERAS"]}).encode(),
    ],
    ids=["missing", "broken", "other-actions", "other-sensor"],
)
def test_its_network_counts_where_its_metadata_are_no_help(bucket: Bucket, content: bytes | None) -> None:
    put_model(bucket)
    bucket.delete([KEYS.model_metadata])
    if content is not None:
        bucket.put(KEYS.model_metadata, content)
    assert check(bucket) == [CONTINUES]
    assert "2 discrete actions" in refusal(bucket, action_space=METADATA["action_space"] * 2)  # type: ignore[operator]


def test_metadata_of_the_run_that_only_another_engine_understands(bucket: Bucket) -> None:
    put_model(bucket)
    assert check(bucket, COMMUNITY, document=b'{"action_space": [], "version": "9"}') == []


def test_a_damaged_one(bucket: Bucket) -> None:
    put_model(bucket)
    bucket.put(KEYS.checkpoint(str(name(3))), b"")
    with pytest.raises(
        DrError, match=r"Checkpoint 3_Step-300\.ckpt is damaged: it does not begin with a table"
    ):
        check(bucket)


# Models of the community.


@needs_models
@ENGINES
@pytest.mark.parametrize(("graph", "number"), [(DISCRETE, 11), (CONTINUOUS, 140)])
def test_one_of_the_communitys_engine(bucket: Bucket, graph: str, number: int, engine: str) -> None:
    model = put_community_model(bucket, "old", graph)
    before = contents(bucket)
    said = f"Continues from old, checkpoint {model.name}; the first of the new model is {number + 1}."
    for which in ("best", "last"):
        assert check(bucket, engine, model.metadata, which) == [said]
    # neither an old version nor a key that has a default makes it another model
    assert check(bucket, engine, changed_metadata(graph, version="5", training_algorithm="clipped_ppo")) == [
        said
    ]
    assert contents(bucket) == before


@needs_models
@pytest.mark.parametrize("graph", BOTH)
def test_one_of_the_communitys_engine_does_not_fit_another(bucket: Bucket, graph: str) -> None:
    model = put_community_model(bucket, "old", graph)
    has = "9 discrete" if graph == DISCRETE else "2 continuous"
    with pytest.raises(
        DrError, match=f"{model.name} of old does not fit: it has {has} actions, .* 2 discrete actions"
    ):
        check(bucket)


@needs_models
def test_graphs_that_are_left_are_the_ones_that_the_index_means(bucket: Bucket) -> None:
    """`best` of an index whose checkpoints were deleted, but not their graphs."""
    model = put_community_model(bucket, "old", DISCRETE)
    bucket.delete([f"old/model/{model.name}.{part}" for part in ("index", DATA, "meta")])
    bucket.put("old/model/model_14.pb", model.graph)
    last = CheckpointEntry(model.name._replace(number=14), 1.0)
    bucket.put(KEYS.checkpoints_index, CheckpointIndex(CheckpointEntry(model.name), last).to_json())
    for which, number in (("best", 11), ("last", 14)):
        said = f"checkpoint {number}_Step-0.ckpt; the first of the new model is {number + 1}."
        assert said in check(bucket, OURS, model.metadata, which)[0]
