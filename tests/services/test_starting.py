"""Where a run starts: fresh, after a pretrained model, after its own last checkpoint."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import pytest
import torch

from drcli.contract.keys import ModelKeys
from drcli.errors import DrError
from drcli.services.recorder import Counters
from drcli.services.starting import find_start
from drcli.store.checkpoints import CheckpointEntry, CheckpointIndex, CheckpointName, publish_checkpoint
from drcli.train.checkpoint import pack, to_tensors
from drcli.train.network import ActorCritic, PolicySpec

SENSOR = "FRONT_FACING_CAMERA"


@pytest.fixture(scope="module")
def new_network() -> Callable[..., ActorCritic]:
    """Networks that differ, each made once."""
    made: dict[Any, ActorCritic] = {}

    def make(seed: int, spec: PolicySpec | None = None, is_shared: bool = True) -> ActorCritic:
        key = seed, spec, is_shared
        if key not in made:
            torch.manual_seed(seed)
            made[key] = ActorCritic(spec or PolicySpec(3), is_shared, is_blank=True)
        return made[key]

    return make


def publish(
    run: Any, name: str, network: ActorCritic, state: Any = None, *, prefix: str = "racer", best: str = ""
) -> None:
    entries = [CheckpointEntry(CheckpointName.parse(text), 50.0) for text in (best or name, name)]
    weights = pack(to_tensors(network, SENSOR), state or {})
    publish_checkpoint(run.bucket, ModelKeys(prefix), entries[1].name, weights, CheckpointIndex(*entries))


def same(one: ActorCritic, other: ActorCritic) -> bool:
    pairs = zip(one.parameters(), other.parameters(), strict=True)
    return one.spec == other.spec and all(torch.equal(a, b) for a, b in pairs)


def test_a_fresh_run_is_random_but_the_same_for_a_seed(run: Any) -> None:
    first, again = (find_start(run.job(), SENSOR) for _ in range(2))
    assert first.counters == Counters(7)
    assert first.published is None
    assert first.index is None
    assert first.network.spec == PolicySpec(3)
    assert same(first.network, again.network)
    run.variables["DR_SEED"] = "8"
    assert not same(first.network, find_start(run.job(), SENSOR).network)


def test_without_a_seed_every_run_is_another(run: Any) -> None:
    run.variables["DR_SEED"] = ""
    seeds = {find_start(run.job(), SENSOR).counters.seed for _ in range(2)}
    assert len(seeds) == 2
    assert all(0 <= seed < 2**32 for seed in seeds)


@pytest.mark.parametrize(
    ("which", "number", "truth"), [("best", 3, "True"), ("last", 5, "true"), ("", 3, "1")]
)
def test_a_pretrained_model_is_taken_over_and_counted_on(
    run: Any, new_network: Any, which: str, number: int, truth: str
) -> None:
    for index in (3, 5):
        publish(
            run, f"{index}_Step-{index}00.ckpt", new_network(index), prefix="teacher", best="3_Step-300.ckpt"
        )
    run.variables |= {"PRETRAINED": truth, "PRETRAINED_S3_PREFIX": "teacher", "PRETRAINED_CHECKPOINT": which}
    start = find_start(run.job(), SENSOR)
    assert same(start.network, new_network(number))
    assert start.counters == Counters(7, base=number + 1)
    assert str(start.counters.checkpoint) == f"{number + 1}_Step-0.ckpt"
    assert start.published is None


def test_both_networks_of_a_coach_model_are_taken_over(run: Any, new_network: Any) -> None:
    publish(run, "0_Step-0.ckpt", new_network(1, is_shared=False), prefix="teacher")
    run.variables |= {"PRETRAINED": "True", "PRETRAINED_S3_PREFIX": "teacher"}
    start = find_start(run.job(), SENSOR)
    assert not start.network.is_shared
    assert same(start.network, new_network(1, is_shared=False))


@pytest.mark.parametrize("is_pretrained", ["True", "False"])
def test_a_run_with_checkpoints_goes_on_after_the_last(
    run: Any, new_network: Any, is_pretrained: str
) -> None:
    """Also a run that began with a pretrained model: that was long ago."""
    counters = Counters(99, base=4, iteration=2, steps=128, episodes={0: 11, 1: 9}, groups={0: 10})
    publish(run, "5_Step-64.ckpt", new_network(5), asdict(counters))
    publish(run, "6_Step-128.ckpt", new_network(6), asdict(counters), best="5_Step-64.ckpt")
    publish(run, "3_Step-300.ckpt", new_network(3), prefix="teacher")
    run.variables |= {"PRETRAINED": is_pretrained, "PRETRAINED_S3_PREFIX": "teacher"}
    start = find_start(run.job(), SENSOR)
    assert same(start.network, new_network(6))
    assert start.counters == counters  # its own seed, not that of the environment
    assert str(start.published) == "6_Step-128.ckpt"
    assert start.index
    assert (start.index.best.name.number, start.index.last.name.number) == (5, 6)


@pytest.mark.parametrize("prefix", ["racer", "teacher"])
@pytest.mark.parametrize(
    ("spec", "description"), [(PolicySpec(5), "5 discrete"), (PolicySpec(2, True), "2 continuous")]
)
def test_another_action_space_is_an_error_that_says_so(
    run: Any, new_network: Any, prefix: str, spec: PolicySpec, description: str
) -> None:
    publish(run, "1_Step-64.ckpt", new_network(1, spec), asdict(Counters(7)), prefix=prefix)
    run.variables |= {"PRETRAINED": "True", "PRETRAINED_S3_PREFIX": "teacher"}
    with pytest.raises(DrError, match=f"has {description} outputs, .* asks for 3 discrete outputs") as error:
        find_start(run.job(), SENSOR)
    assert "action space" in error.value.hint


def test_a_pretrained_model_that_is_not_there(run: Any) -> None:
    run.variables |= {"PRETRAINED": "True", "PRETRAINED_S3_PREFIX": "nobody"}
    with pytest.raises(DrError, match="nobody has no checkpoint"):
        find_start(run.job(), SENSOR)


def test_a_checkpoint_of_another_sensor(run: Any, new_network: Any) -> None:
    publish(run, "1_Step-64.ckpt", new_network(1), asdict(Counters(7)))
    with pytest.raises(DrError, match=r"no variable .*STEREO_CAMERAS"):
        find_start(run.job(), "STEREO_CAMERAS")
