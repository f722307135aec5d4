"""Checkpoints: names and shapes of the coach graph, and the same actions after a round trip."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from drcli.errors import DrError
from drcli.train.checkpoint import from_tensors, pack, to_tensors, unpack
from drcli.train.network import ActorCritic, PolicySpec

SENSOR = "FRONT_FACING_CAMERA"
GRAPHS = Path(__file__).parents[3] / "shared" / "graphs"


def varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def fields(data: bytes) -> Iterator[tuple[int, bytes | int]]:
    """Numbers and values of a protocol buffer: varints, byte strings, and 32-bit words as bytes."""
    at = 0
    while at < len(data):
        tag, at = varint(data, at)
        if tag & 7 == 0:
            value, at = varint(data, at)
            yield tag >> 3, value
        else:
            size, at = (4, at) if tag & 7 == 5 else varint(data, at)
            yield tag >> 3, data[at : at + size]
            at += size


def index_entries(path: Path) -> dict[str, tuple[int, ...]]:
    """Names and shapes in a TensorFlow checkpoint index: a LevelDB block with shared key prefixes."""
    data, at, key = path.read_bytes(), 0, b""
    entries: dict[str, tuple[int, ...]] = {}
    while True:
        shared, after = varint(data, at)
        unshared, after = varint(data, after)
        size, after = varint(data, after)
        key = key[:shared] + data[after : after + unshared]
        if at and not key.startswith(b"main_level"):
            return entries  # the block ends with its table of restart points
        at = after + unshared + size
        if key:
            shape = next((v for n, v in fields(data[after + unshared : at]) if n == 2), b"")
            dims = [v for n, v in fields(shape) if n == 2]
            entries[key.decode()] = tuple(v for dim in dims for n, v in fields(dim) if n == 1)


@pytest.mark.shared
@pytest.mark.skipif(not GRAPHS.is_dir(), reason="reference graphs are not on this machine")
@pytest.mark.parametrize(
    ("graph", "spec"),
    [("ppo-discrete-9", PolicySpec(9)), ("ppo-continuous", PolicySpec(2, is_continuous=True))],
)
def test_names_and_shapes_are_those_of_the_coach_graph(graph, spec):
    [index] = (GRAPHS / graph).glob("*.index")
    expected = index_entries(index)
    tensors = to_tensors(ActorCritic(spec), SENSOR)
    assert len(expected) == (23 if spec.is_continuous else 22)
    assert {name: tuple(t.shape) for name, t in tensors.items()} == expected


@pytest.mark.parametrize("is_shared", [True, False])
@pytest.mark.parametrize("is_continuous", [True, False])
def test_round_trip_gives_the_same_outputs(is_shared, is_continuous):
    torch.manual_seed(3)
    network = ActorCritic(PolicySpec(2, is_continuous), is_shared)
    data = pack(to_tensors(network, SENSOR), {"iteration": 7})
    tensors, state = unpack(data, "7_Step-1.ckpt")
    again = from_tensors(tensors, SENSOR)
    assert state == {"iteration": 7}
    assert again.is_shared == is_shared
    obs = torch.from_numpy(np.random.default_rng(0).integers(0, 255, (4, 120, 160)).astype(np.uint8))
    with torch.no_grad():
        for a, b in zip(network(obs), again(obs), strict=True):
            torch.testing.assert_close(a, b, rtol=0, atol=0)


def test_a_shared_network_is_stored_as_two():
    tensors = to_tensors(ActorCritic(PolicySpec(5)), SENSOR)
    name = f"main_level/agent/main/online/network_{{}}/{SENSOR}/Conv2d_0/kernel"
    assert torch.equal(tensors[name.format(0)], tensors[name.format(1)])
    assert tensors[name.format(0)].shape == (8, 8, 1, 32)


def test_damaged_and_foreign_files_are_named():
    data = pack(to_tensors(ActorCritic(PolicySpec(5)), SENSOR), {})
    with pytest.raises(DrError, match=r"3_Step-9\.ckpt is damaged"):
        unpack(data[:1000], "3_Step-9.ckpt")
    with pytest.raises(DrError, match=r"no variable .*STEREO"):
        from_tensors(unpack(data, "x")[0], "STEREO_CAMERAS")
    with pytest.raises(DrError, match="no policy head"):
        from_tensors({}, SENSOR)
