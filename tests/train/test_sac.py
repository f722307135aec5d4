"""SAC: its losses by hand, the replay, what is copied when; and a car that learns to drive laps by the road's shape."""

from __future__ import annotations

import math
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import torch
from model_specs import CAMERA, HEIGHT, WIDTH, small_model

from drcli.config.hyperparameters import Hyperparameters
from drcli.config.race_settings import RaceSettings
from drcli.errors import DrError
from drcli.services.observers.subscriptions import Subscriptions
from drcli.services.worker.collector import Collector
from drcli.services.worker.driver import Driver
from drcli.sim.catalogue import load_track
from drcli.sim.sensors.sensor import sensor_spec
from drcli.sim.world import World
from drcli.train.algorithms.replay import Replay
from drcli.train.algorithms.sac import SAC
from drcli.train.algorithms.sac_learner import REST_STEPS, Batch, SACLearner, policy_loss, q_loss, q_targets
from drcli.train.checkpoint import pack, to_tensors, unpack
from drcli.train.guided.teacher import TWO_LAYERS
from drcli.train.hardware import Hardware
from drcli.train.model import ModelSpec
from drcli.train.network import weights_of
from drcli.train.rollout import Rollout, RolloutSpec
from drcli.train.soft_actor_critic import SoftActorCritic, restored_soft_actor_critic

CPU = Hardware.exact()


def road_model() -> ModelSpec:
    """Sees the road instead of a picture: small, and quick to train."""
    return ModelSpec((sensor_spec("ROAD_AHEAD"),), TWO_LAYERS, small_model(0).head)


def rollout(model: ModelSpec, steps: int, cars: int, seed: int = 0) -> Rollout:
    """Noise: rewards that depend on the actions."""
    rng = np.random.default_rng(seed)
    found = RolloutSpec.of(model, SAC.extras).zeros(steps, cars)
    for part in (*found.obs.values(), *found.last_obs.values()):
        part[:] = rng.integers(0, 255, part.shape) if part.dtype == np.uint8 else rng.normal(size=part.shape)
    found.actions[:] = rng.uniform(-1, 1, found.actions.shape)
    found.rewards[:] = found.actions[..., 0]
    found.valid[:] = True
    return found


# Losses


def test_losses_by_hand() -> None:
    logprobs, q = torch.tensor([-1.0, 0.5]), torch.tensor([2.0, 4.0])
    assert policy_loss(logprobs, q, 0.2).item() == pytest.approx(((-0.2 - 2) + (0.1 - 4)) / 2)
    # r = 1 and 2; the second episode has ended, so that 7 does not count.
    batch = Batch({}, torch.zeros(2, 2), torch.tensor([1.0, 2.0]), torch.tensor([0.0, 1.0]), {})
    targets = q_targets(batch, torch.tensor([5.0, 7.0]), 0.9)
    assert targets.tolist() == pytest.approx([5.5, 2.0])
    one, other = torch.tensor([5.5, 4.0]), torch.tensor([4.5, 2.0])
    assert q_loss((one, other), targets).item() == pytest.approx(0.5 * (4 / 2) + 0.5 * (1 / 2))


def new_learner(model: ModelSpec | None = None, **hyperparameters: Any) -> SACLearner:
    torch.manual_seed(5)
    chosen = {"batch_size": 16, "lr": 1e-3, **hyperparameters}
    return SAC.learner(SAC.network(model or road_model()), Hyperparameters(**chosen), CPU, 3)


def of_policy(network: SoftActorCritic) -> dict[str, torch.Tensor]:
    return {name: part.detach().clone() for name, part in network.acting_parameters()}


def test_an_update_changes_every_variable() -> None:
    learner = new_learner(small_model(0))
    before = to_tensors(learner.network)
    learner.learn([rollout(small_model(0), 40, 8)])
    after = to_tensors(learner.network)
    assert {name for name in before if torch.equal(before[name], after[name])} == {
        name for name in before if name.endswith("rescalers")
    }


def test_the_policy_does_not_train_shared_embedders() -> None:
    """What it wants to see would otherwise be made from what it likes."""
    network = SAC.network(small_model(0))
    seen = network({CAMERA: torch.zeros(2, HEIGHT, WIDTH, dtype=torch.uint8)})
    network.policy(seen.policy).sum().backward()
    network.value.valued(seen.value).sum().backward()
    assert all(p.grad is None for e in network.policy_trunk.embedders for p in e.parameters())
    network.q.least(seen.q, torch.zeros(2, 2)).sum().backward()
    assert all(p.grad is not None for e in network.policy_trunk.embedders for p in e.parameters())


def test_updates_are_as_many_as_steps_and_fewer_on_demand() -> None:
    assert [count_updates(new_learner(sac_updates_per_step=share)) for share in (1.0, 0.25)] == [320, 80]
    assert new_learner().learn([rollout(road_model(), 8, 8)]) == []  # too few steps for a first update


def count_updates(learner: SACLearner) -> int:
    learner.learn([rollout(road_model(), 40, 8)])
    return int(learner.state()["critics/adam_steps"])


def test_the_target_is_copied_in_full_and_in_time() -> None:
    learner = new_learner(num_episodes_between_training=1000, sac_updates_per_step=0.5)
    first = learner._target.output.weight.clone()
    learner.learn([rollout(road_model(), 80, 8)])
    assert torch.equal(learner._target.output.weight, first)
    learner.learn([rollout(road_model(), 45, 8)])  # 1000 steps in all
    for one, other in zip(learner._target.parameters(), learner.network.value.parameters(), strict=True):
        assert torch.equal(one, other)
    assert not torch.equal(learner._target.output.weight, first)


def test_a_policy_of_another_method_stays_as_it_is_until_the_critics_have_learned() -> None:
    learner = new_learner(small_model(0), sac_updates_per_step=0.01)
    before, critic = of_policy(learner.network), learner.network.q.one.last.weight.detach().clone()
    half = rollout(small_model(0), REST_STEPS // 16, 8)
    learner.adapt([half])
    learner.learn([half])
    resting = of_policy(learner.network)
    assert all(torch.equal(before[name], resting[name]) for name in before)
    assert not torch.equal(critic, learner.network.q.one.last.weight)
    learner.learn([half])
    assert not all(torch.equal(before[name], part) for name, part in of_policy(learner.network).items())


def test_a_training_that_has_diverged_ends() -> None:
    bad = rollout(road_model(), 40, 8)
    bad.rewards[:] = np.inf
    with pytest.raises(DrError, match="diverged"):
        new_learner().learn([bad])


# The replay


def drive(steps: int, cars: int, first: int = 0) -> Rollout:
    """Cars that see the number of their step; action and reward are the same number."""
    spec = RolloutSpec((sensor_spec("ROAD_AHEAD"),), (2,), np.dtype(np.float32))
    found = spec.zeros(steps, cars)
    numbers = first + np.arange(steps * cars).reshape(steps, cars)
    found.obs["ROAD_AHEAD"][:] = numbers[..., None]
    found.actions[:], found.rewards[:], found.valid[:] = numbers[..., None], numbers, True
    found.last_obs["ROAD_AHEAD"][:] = numbers[-1][:, None] + cars
    return found


def drawn(replay: Replay, size: int = 500) -> dict[float, tuple[float, bool]]:
    """By the number that is seen: the next one, and whether the episode has ended. Checks what belongs together."""
    found = replay.sample(size, np.random.default_rng(0))
    seen, after = (part["ROAD_AHEAD"][:, 0] for part in (found.obs, found.next_obs))
    np.testing.assert_array_equal(seen, found.rewards)
    np.testing.assert_array_equal(seen, found.actions[:, 1])
    pairs = zip(after.tolist(), found.dones.tolist(), strict=True)
    return dict(zip(seen.tolist(), pairs, strict=True))


def test_what_a_car_sees_next_is_its_next_row() -> None:
    replay = Replay(["ROAD_AHEAD"], 100)
    data = drive(3, 2)  # the first car sees 0, 2, 4 and at last 6
    data.dones[2, 1] = True
    assert replay.add(data) == len(replay) == 6
    found = drawn(replay)
    assert found.pop(5)[1]
    assert found == {n: (n + 2, False) for n in range(5)}


def test_steps_that_were_not_driven_are_not_drawn() -> None:
    replay = Replay(["ROAD_AHEAD"], 100)
    data = drive(4, 1)
    data.valid[1] = False
    assert replay.add(data) == 3
    assert drawn(replay) == {0: (2, False), 2: (3, False), 3: (4, False)}


def test_new_steps_replace_the_oldest() -> None:
    replay = Replay(["ROAD_AHEAD"], 10)
    for first in (0, 100, 200):
        replay.add(drive(4, 1, first))  # five rows each, with the picture at the end
    assert len(replay) == 8
    assert drawn(replay) == {n: (n + 1, False) for first in (100, 200) for n in range(first, first + 4)}
    replay.add(drive(30, 1, 300))  # longer than the whole ring
    assert drawn(replay) == {n: (n + 1, False) for n in range(321, 330)}


# The same again


def test_the_same_seed_learns_the_same_and_acts_the_same() -> None:
    results = []
    for _ in range(2):
        learner = new_learner()
        learner.learn([rollout(road_model(), 40, 8)])
        actor = SAC.actor(road_model(), Hyperparameters(), CPU, 11)
        actor.load(weights_of(learner.network, torch.float32))
        obs = rollout(road_model(), 1, 6, seed=1).last_obs
        results.append(np.concatenate([actor.act(obs).actions for _ in range(3)]))
    np.testing.assert_array_equal(*results)
    assert np.abs(results[0]).max() <= 1
    assert len(np.unique(results[0])) == results[0].size


def test_a_resumed_learner_goes_on_with_its_optimizers() -> None:
    learner = new_learner()
    learner.learn([rollout(road_model(), 40, 8)])
    stored = unpack(pack(to_tensors(learner.network), {}, learner.state()), "1_Step-320.ckpt")
    again = SAC.learner(SAC.network(road_model(), stored.variables), Hyperparameters(lr=1e-3), CPU, 0)
    again.load_state(stored.state)
    for name, part in learner.state().items():
        assert torch.equal(part, again.state()[name]), name


@pytest.mark.parametrize("is_shared", [True, False])
def test_round_trip_gives_the_same_outputs(is_shared: bool) -> None:
    torch.manual_seed(3)
    network = SoftActorCritic(small_model(0), is_shared)
    network.initialise()
    again = restored_soft_actor_critic(small_model(0), unpack(pack(to_tensors(network), {}), "x").variables)
    assert again.is_shared == is_shared
    obs = {CAMERA: torch.randint(0, 255, (3, HEIGHT, WIDTH), dtype=torch.uint8)}
    seen, seen_again = network(obs), again(obs)
    for one, other in zip(seen, seen_again, strict=True):
        assert torch.equal(one, other)
    actions = torch.rand(3, 2)
    assert torch.equal(network.q.least(seen.q, actions), again.q.least(seen.q, actions))
    assert torch.equal(network.policy(seen.policy), again.policy(seen.policy))
    assert torch.equal(network.value.valued(seen.value), again.value.valued(seen.value))


def test_workers_get_the_policy_alone() -> None:
    names = weights_of(SAC.network(road_model()), torch.float32)
    assert {name.partition(".")[0] for name in names} == {"policy", "policy_trunk"}


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({}, "no policy head"),
        ({"sac_policy_head_0/policy_mean/kernel": (256, 3)}, "has 3 continuous actions"),
    ],
)
def test_another_model_is_refused(change: dict[str, tuple[int, ...]], text: str) -> None:
    variables = {
        f"main_level/agent/policy/online/network_0/{name}": torch.zeros(shape)
        for name, shape in change.items()
    }
    with pytest.raises(DrError, match=text):
        SAC.network(small_model(0), variables)


# Driving


def road_world(cars: int, *, is_evaluation: bool) -> World:
    race = RaceSettings(spread_starts=is_evaluation)
    return World(load_track("drcli_oval", None, ""), race, cars, sensors=("ROAD_AHEAD",), record=False)


@pytest.mark.slow
def test_it_learns_to_drive_laps_by_the_shape_of_the_road() -> None:
    model = road_model()
    learner = new_learner(model, batch_size=64, discount_factor=0.97, sac_alpha=0.1, sac_updates_per_step=0.5)
    actor = SAC.actor(model, Hyperparameters(), CPU, 1)
    driver = Driver(road_world(8, is_evaluation=False), model.head, actor, Subscriptions())
    collector = Collector(driver, RolloutSpec.of(model, SAC.extras), lambda: None)
    best = first = -math.inf
    for iteration in range(32):  # of 64 steps
        actor.load(weights_of(learner.network, torch.float32))
        if iteration % 8 == 0:
            best = max(best, laps(model, actor))
            first = best if iteration == 0 else first
        data, _ = collector.steps(8, iteration * 64)
        learner.learn([data])
    assert first == 0
    assert best == 5


def laps(model: ModelSpec, actor: Any) -> int:
    driver = Driver(road_world(5, is_evaluation=True), model.head, actor, Subscriptions(), is_evaluation=True)
    driver.reset([1] * 5)
    done = 0
    while driver.world.active.any():
        done += sum(episode.is_lap for episode in driver.step().transition.episodes)
    return done


def test_hyperparameters_are_checked_without_torch() -> None:
    code = "import sys; from drcli.train.algorithms.sac import SAC; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
