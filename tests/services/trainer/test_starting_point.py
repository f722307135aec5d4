"""Where a run starts: fresh, after a pretrained model, after its own last checkpoint."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

import pytest
import torch

from drcli.config.model_metadata import ModelMetadata
from drcli.contract.checkpoint_names import CheckpointName
from drcli.contract.keys import ModelKeys
from drcli.errors import DrError
from drcli.services.shared.counters import Counters
from drcli.services.trainer.starting_point import StartingPoint, find_starting_point
from drcli.store.checkpoints import CheckpointEntry, CheckpointIndex, publish_checkpoint
from drcli.store.run_status import RunStatus
from drcli.train.actor_critic import ActorCritic
from drcli.train.algorithms.ppo import ClippedPPO
from drcli.train.checkpoint import pack, to_tensors
from drcli.train.model import ModelSpec

CONTINUOUS = {"steering_angle": {"low": -20, "high": 20}, "speed": {"low": 1.0, "high": 2.0}}


@pytest.fixture(scope="module")
def new_network(model: ModelSpec) -> Callable[..., ActorCritic]:
    """Networks that differ, each made once."""
    made: dict[Any, ActorCritic] = {}

    def make(seed: int, of: ModelSpec = model, is_shared: bool = True) -> ActorCritic:
        key = seed, of.head.num_outputs, is_shared
        if key not in made:
            torch.manual_seed(seed)
            made[key] = ActorCritic(of, is_shared)
        return made[key]

    return make


def publish(
    run: Any, name: str, network: ActorCritic, state: Any = None, *, prefix: str = "racer", best: str = ""
) -> None:
    entries = [CheckpointEntry(CheckpointName.parse(text), 50.0) for text in (best or name, name)]
    files = {"safetensors": pack(to_tensors(network), state or {})}
    publish_checkpoint(run.bucket, ModelKeys(prefix), entries[1].name, files, CheckpointIndex(*entries))


def same(one: Any, other: Any) -> bool:
    pairs = zip(one.variables(), other.variables(), strict=True)
    return all(a.name == b.name and torch.equal(a.value, b.value) for a, b in pairs)


@pytest.fixture
def start(model: ModelSpec) -> Callable[[Any], StartingPoint]:
    """Finds the start of a run."""
    return lambda run: find_starting_point(run.job(), model, ClippedPPO)


def test_a_fresh_run_is_random_but_the_same_for_a_seed(run: Any, start: Any) -> None:
    first, again = (start(run) for _ in range(2))
    assert first.counters == Counters(7)
    assert first.published is None
    assert first.index is None
    assert same(first.network, again.network)
    run.variables["DR_SEED"] = "8"
    assert not same(first.network, start(run).network)


@pytest.mark.slow
def test_without_a_seed_every_run_is_another(run: Any, start: Any) -> None:
    run.variables["DR_SEED"] = ""
    seeds = {start(run).counters.seed for _ in range(2)}
    assert len(seeds) == 2
    assert all(0 <= seed < 2**32 for seed in seeds)


@pytest.mark.parametrize(
    ("which", "number", "truth"),
    [
        ("last", 5, "true"),
        pytest.param("best", 3, "True", marks=pytest.mark.slow),
        pytest.param("", 3, "1", marks=pytest.mark.slow),
    ],
)
def test_a_pretrained_model_is_taken_over_and_counted_on(
    run: Any, new_network: Any, start: Any, which: str, number: int, truth: str
) -> None:
    for index in (3, 5):
        publish(
            run, f"{index}_Step-{index}00.ckpt", new_network(index), prefix="teacher", best="3_Step-300.ckpt"
        )
    run.variables |= {"PRETRAINED": truth, "PRETRAINED_S3_PREFIX": "teacher", "PRETRAINED_CHECKPOINT": which}
    found = start(run)
    assert same(found.network, new_network(number))
    assert found.counters == Counters(7, base=number + 1)
    assert str(found.counters.checkpoint) == f"{number + 1}_Step-0.ckpt"
    assert found.published is None


@pytest.mark.slow
def test_both_networks_of_a_coach_model_are_taken_over(run: Any, new_network: Any, start: Any) -> None:
    publish(run, "0_Step-0.ckpt", new_network(1, is_shared=False), prefix="teacher")
    run.variables |= {"PRETRAINED": "True", "PRETRAINED_S3_PREFIX": "teacher"}
    found = start(run)
    assert not found.network.is_shared
    assert same(found.network, new_network(1, is_shared=False))


@pytest.mark.parametrize("is_pretrained", ["True", pytest.param("False", marks=pytest.mark.slow)])
def test_a_run_with_checkpoints_goes_on_after_the_last(
    run: Any, new_network: Any, start: Any, is_pretrained: str
) -> None:
    """Also a run that began with a pretrained model: that was long ago."""
    counters = Counters(99, base=4, iteration=2, steps=128, episodes={0: 11, 1: 9}, groups={0: 10})
    publish(run, "5_Step-64.ckpt", new_network(5), asdict(counters))
    publish(run, "6_Step-128.ckpt", new_network(6), asdict(counters), best="5_Step-64.ckpt")
    publish(run, "3_Step-300.ckpt", new_network(3), prefix="teacher")
    run.variables |= {"PRETRAINED": is_pretrained, "PRETRAINED_S3_PREFIX": "teacher"}
    found = start(run)
    assert same(found.network, new_network(6))
    assert found.counters == counters  # its own seed, not that of the environment
    assert str(found.published) == "6_Step-128.ckpt"
    assert found.index
    assert (found.index.best.name.number, found.index.last.name.number) == (5, 6)


@pytest.mark.parametrize("prefix", ["teacher", pytest.param("racer", marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    ("actions", "description"),
    [([{"steering_angle": 0, "speed": k} for k in range(5)], "5 discrete"), (CONTINUOUS, "2 continuous")],
)
def test_another_action_space_is_an_error_that_says_so(
    run: Any, new_network: Any, start: Any, prefix: str, actions: Any, description: str
) -> None:
    space = "continuous" if isinstance(actions, dict) else "discrete"
    document = {"action_space": actions, "action_space_type": space, "sensor": ["FRONT_FACING_CAMERA"]}
    other = ModelSpec.of(ModelMetadata.parse(json.dumps(document), "metadata"))
    publish(run, "1_Step-64.ckpt", new_network(1, other), asdict(Counters(7)), prefix=prefix)
    run.variables |= {"PRETRAINED": "True", "PRETRAINED_S3_PREFIX": "teacher"}
    with pytest.raises(DrError, match=f"has {description} actions, .* 3 discrete actions") as error:
        start(run)
    assert "model_metadata.json" in error.value.hint


def test_a_pretrained_model_that_is_not_there(run: Any, start: Any) -> None:
    run.variables |= {"PRETRAINED": "True", "PRETRAINED_S3_PREFIX": "nobody"}
    with pytest.raises(DrError, match="nobody has no complete checkpoint"):
        start(run)


def test_a_checkpoint_of_another_sensor(run: Any, new_network: Any, model: ModelSpec) -> None:
    publish(run, "1_Step-64.ckpt", new_network(1), asdict(Counters(7)))
    sensors = (model.sensors[0]._replace(name="STEREO_CAMERAS"),)
    with pytest.raises(DrError, match=r"no variable .*STEREO_CAMERAS"):
        find_starting_point(run.job(), replace(model, sensors=sensors), ClippedPPO)


@pytest.mark.parametrize(
    ("state", "trained_s"),
    [("stopped", 100.0), ("ended", 0.0), pytest.param("training", 100.0, marks=pytest.mark.slow)],
)
def test_the_clock_goes_on_when_only_the_trainer_was_started_again(
    run: Any, new_network: Any, start: Any, state: Any, trained_s: float
) -> None:
    publish(run, "1_Step-64.ckpt", new_network(1), asdict(Counters(7)))
    assert start(run).trained_s == 0.0  # `dr start-training` has taken the status away
    status = RunStatus(state, "racer", "tiny", 0, 7, 0.0, 0.0, trained_s=100.0)
    run.bucket.put(run.keys.status, status.to_json())
    assert start(run).trained_s == trained_s


def test_the_state_of_the_algorithm_goes_on(run: Any, new_network: Any, start: Any) -> None:
    name = CheckpointName.parse("1_Step-64.ckpt")
    state = {"moments/x": torch.arange(3.0)}
    data = pack(to_tensors(new_network(1)), asdict(Counters(7)), state)
    index = CheckpointIndex(CheckpointEntry(name), CheckpointEntry(name))
    publish_checkpoint(run.bucket, run.keys, name, {"safetensors": data}, index)
    found = start(run).learner_state
    assert found.keys() == state.keys()
    assert torch.equal(found["moments/x"], state["moments/x"])
