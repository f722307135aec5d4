"""What a stored checkpoint's network is like: little is read for it, and what is damaged is named."""

from __future__ import annotations

import json
import struct
from dataclasses import replace

import pytest
from community_models import BOTH, CONTINUOUS, DATA, DISCRETE, needs_models, put_community_model
from hypothesis import given
from hypothesis import strategies as st

from drcli.contract.checkpoint_names import CheckpointName
from drcli.contract.keys import ModelKeys
from drcli.contract.stored_network import StoredNetwork
from drcli.errors import DrError
from drcli.launch.stored_shapes import read_network
from drcli.store.checkpoint_files import MAX_BYTES, CheckpointFiles, checkpoints_among
from drcli.store.checkpoints import choose_checkpoint
from drcli.store.client import Bucket
from drcli.train.checkpoint import pack, to_tensors

KEYS = ModelKeys("m")
ONE = CheckpointName(1, 2)
SHALLOW = ("DEEP_CONVOLUTIONAL_NETWORK_SHALLOW",)
NETWORKS = {
    DISCRETE: StoredNetwork({"FRONT_FACING_CAMERA": 1}, "discrete", 9, "clipped_ppo", True, SHALLOW),
    CONTINUOUS: StoredNetwork({"FRONT_FACING_CAMERA": 1}, "continuous", 2, "clipped_ppo", True, SHALLOW),
}


class Counting(Bucket):
    """How many bytes of which object were read."""

    def __init__(self, bucket: Bucket) -> None:
        super().__init__(bucket.config)
        self.read: dict[str, int] = {}

    def find(self, key: str) -> bytes | None:
        content = super().find(key)
        self.read[key] = len(content or b"")
        return content

    def start_of(self, key: str, size_bytes: int) -> bytes:
        content = super().start_of(key, size_bytes)
        self.read[key] = len(content)
        return content


def only(bucket: Bucket) -> CheckpointFiles:
    (found,) = checkpoints_among("m", bucket.list(KEYS.model_folder)).values()
    return found


@needs_models
@pytest.mark.parametrize("graph", BOTH)
def test_models_of_all_engines(bucket: Bucket, graph: str) -> None:
    model = put_community_model(bucket, "m", graph)
    counting = Counting(bucket)
    assert read_network(counting, only(bucket)) == NETWORKS[graph]
    name = f"m/model/{model.name}"
    assert counting.read == {f"{name}.index": len(model.files["index"])}
    bucket.delete([f"{name}.{part}" for part in ("index", DATA, "meta")])
    assert read_network(bucket, only(bucket)) == replace(NETWORKS[graph], has_value=False)
    bucket.put(f"{name}.safetensors", pack(to_tensors(model.network), {}))
    counting = Counting(bucket)
    assert read_network(counting, only(bucket)) == NETWORKS[graph]
    assert counting.read == {f"{name}.safetensors": 1 << 20}  # of 47 MB


def header(entries: object) -> bytes:
    text = entries if isinstance(entries, bytes) else json.dumps(entries).encode()
    return struct.pack("<Q", len(text)) + text


KERNEL = "main_level/agent/main/online/network_1/FRONT_FACING_CAMERA/Conv2d_0/kernel"


@pytest.mark.parametrize(
    ("part", "content", "reason"),
    [
        ("safetensors", b"", ""),
        ("safetensors", b"\xff" * 100, "table of its tensors"),
        ("safetensors", header({}), "variables of a DeepRacer model"),
        ("safetensors", header([1]), "table of its tensors"),
        ("safetensors", header({"a": 1}), "table of its tensors"),
        ("safetensors", header({"a": "shape"}), "table of its tensors"),
        ("safetensors", header({"a": {"dtype": "F32"}}), "table of its tensors"),
        ("safetensors", header({KERNEL: {"shape": None}}), "table of its tensors"),
        ("safetensors", header({KERNEL: {"shape": "8818"}}), "table of its tensors"),
        ("safetensors", header({KERNEL: {"shape": [1e9, 0.5]}}), "table of its tensors"),
        ("safetensors", header(b"[" * 200_000), "table of its tensors"),
        ("safetensors", header(b" " * (1 << 20) + b"{}"), "table of its tensors"),
        ("index", b"", "not a table of TensorFlow"),
        ("index", b"\0" * 100, "not a table of TensorFlow"),
        ("index", b"\0" * (4 << 20 | 1), "4,194,305 bytes; at most 4,194,304 are read"),
        ("pb", b"\xff" * 100, ""),
        ("pb", b"", "variables of a DeepRacer model"),
    ],
)
def test_a_damaged_one_is_named(bucket: Bucket, part: str, content: bytes, reason: str) -> None:
    bucket.put("m/model/model_1.pb" if part == "pb" else KEYS.checkpoint(str(ONE), part), content)
    if part == "index":
        bucket.put(KEYS.checkpoint(str(ONE), DATA), b"")
    with pytest.raises(DrError) as caught:
        read_network(bucket, only(bucket))
    name = "1_Step-0.ckpt" if part == "pb" else "1_Step-2.ckpt"
    assert caught.value.message.startswith(f"Checkpoint {name} is damaged: ")
    assert reason in caught.value.message
    assert caught.value.hint == "Use another checkpoint of the model."


def test_a_huge_one_is_not_read(bucket: Bucket) -> None:
    """A graph would be read whole."""
    bucket.put("m/model/model_1.pb", b"")
    found = only(bucket)
    huge = {"pb": replace(found.parts["pb"], size_bytes=MAX_BYTES + 1)}
    with pytest.raises(DrError, match=r"Checkpoint 1_Step-0\.ckpt has 2\.1 GB; at most 2\.1 GB are read"):
        read_network(bucket, CheckpointFiles(found.name, huge))


@given(st.binary(max_size=200))
def test_any_header_is_read_or_refused(bucket: Bucket, content: bytes) -> None:
    bucket.put(KEYS.checkpoint(str(ONE)), header(content))
    with pytest.raises(DrError, match="is damaged"):
        read_network(bucket, choose_checkpoint(bucket, KEYS, "last"))
