"""How guided training learns: imitation, its optimizer, value heads that are fitted, critics that see more."""

from __future__ import annotations

import copy
from collections.abc import Mapping

import numpy as np
import pytest
import torch
from model_specs import CAMERA, HEIGHT, WIDTH, model_of, small_model
from torch.distributions import Categorical, Independent, Normal, kl_divergence

from drcli.config.hyperparameters import Hyperparameters
from drcli.errors import DrError
from drcli.sim.sensors.sensor import SensorSpec
from drcli.train.actor_critic import ActorCritic, new_actor_critic, restored_actor_critic
from drcli.train.adam import Adam
from drcli.train.algorithms.ppo import ClippedPPO
from drcli.train.algorithms.sac import SAC
from drcli.train.algorithms.value_fit import fit_value_head
from drcli.train.checkpoint import fill, to_tensors
from drcli.train.guided.imitation import ImitationLearner, Mirror
from drcli.train.guided.schooling import USUAL, Schooling, schooling_for
from drcli.train.guided.teacher import teacher_model
from drcli.train.hardware import Hardware
from drcli.train.heads.categorical import CategoricalDistribution
from drcli.train.heads.gaussian import GaussianDistribution
from drcli.train.layers import Architecture, Dense
from drcli.train.model import ModelSpec
from drcli.train.network import weights_of
from drcli.train.rollout import Rollout, RolloutSpec

CPU = Hardware(torch.device("cpu"), torch.float32)
THIRDS = SensorSpec("thirds", (3,), np.dtype(np.float32))  # which third of the image is bright
MOTION = SensorSpec("motion", (4,), np.dtype(np.float32))
SMALL = Architecture(lambda sensor: (), middleware=(Dense(16),))
PHASES, GAMMA = 5, 0.9
both_kinds = pytest.mark.parametrize("num_actions", [3, 0], ids=["discrete", "continuous"])


def images(thirds: np.ndarray, width: int = WIDTH // 3) -> np.ndarray:
    """uint8 [N, HEIGHT, WIDTH], bright where they say."""
    found = np.zeros((len(thirds), HEIGHT, WIDTH), np.uint8)
    for image, third in zip(found, thirds.tolist(), strict=True):
        image[:, third * width : (third + 1) * width] = 200
    return found


# Imitation


def new_teacher(num_actions: int) -> ActorCritic:
    """Random, but decided: it sees in which third the image is bright, and wants something else for each."""
    teacher = new_actor_critic(ModelSpec((THIRDS,), SMALL, model_of(num_actions).head))
    with torch.no_grad():
        torch.nn.init.normal_(teacher.policy.dense.weight, 0.0, 4.0 if num_actions else 1.0)
        for free in teacher.policy._free:
            teacher.policy.get_parameter(free).fill_(-1.0)
    return teacher


def experience(
    num_actions: int, rng: np.random.Generator, steps: int = 16, cars: int = 3, highest: int = 2
) -> Rollout:
    """A student's steps; those of the last car do not count, and nobody should look at what it saw."""
    spec = RolloutSpec.of(small_model(num_actions), ClippedPPO.extras, (THIRDS,))
    rollout = spec.zeros(steps, cars + 1)
    thirds = rng.integers(0, highest + 1, steps * (cars + 1))
    rollout.obs[CAMERA][:] = images(thirds).reshape(steps, cars + 1, HEIGHT, WIDTH)
    rollout.obs[THIRDS.name][:] = np.eye(3)[thirds].reshape(steps, cars + 1, 3)
    rollout.obs[THIRDS.name][:, cars] = np.nan
    rollout.valid[:, :cars] = True
    return rollout


def new_learner(
    num_actions: int,
    lr: float = 1e-3,
    is_shared: bool = True,
    mirrors: Mapping[str, Mirror] | None = None,
    schooling: Schooling = USUAL,
) -> ImitationLearner:
    network = ActorCritic(small_model(num_actions), is_shared)
    network.initialise()
    return ImitationLearner(network, Hyperparameters(batch_size=16, lr=lr), CPU, 0, mirrors, schooling)


def test_in_the_mirror_it_learns_what_it_never_sees() -> None:
    torch.manual_seed(3)
    rng, teacher = np.random.default_rng(0), new_teacher(3)
    reverse = dict.fromkeys((CAMERA, THIRDS.name), lambda seen: seen[..., ::-1])
    with torch.no_grad():
        wanted = teacher.policy.distribution(teacher.policy_outputs({THIRDS.name: torch.eye(3)}))
        shown = {CAMERA: torch.from_numpy(images(np.arange(3)))}
        gaps = []
        for mirrors in (None, reverse):
            learner = new_learner(3, mirrors=mirrors)
            for _ in range(10):
                seen = experience(3, rng, highest=1)  # never the last third
                with torch.enable_grad():
                    learner.learn([seen], teacher, 0)
            done = learner.network.policy.distribution(learner.network.policy_outputs(shown))
            gaps.append(done.divergence_from(wanted).tolist())
    assert gaps[0][2] > 0.3
    assert max(gaps[1]) < 0.1


@both_kinds
def test_a_student_comes_to_do_what_its_teacher_wants(num_actions: int) -> None:
    torch.manual_seed(3)
    rng = np.random.default_rng(0)
    teacher, learner = new_teacher(num_actions), new_learner(num_actions)
    gaps = [
        learner.learn([experience(num_actions, rng), experience(num_actions, rng)], teacher, 0)
        for _ in range(6)
    ]
    assert gaps[0] > 0.2
    assert gaps[-1] < 0.1 * gaps[0]
    shown = np.arange(3)
    with torch.no_grad():
        wanted = teacher.policy.distribution(teacher.policy_outputs({THIRDS.name: torch.eye(3)})).greedy()
        done = learner.network.policy.distribution(
            learner.network.policy_outputs({CAMERA: torch.from_numpy(images(shown))})
        ).greedy()
    assert len(wanted.unique(dim=0)) > 1
    np.testing.assert_allclose(done.numpy(), wanted.numpy(), atol=0.3)


def test_a_student_of_sac_comes_to_do_what_its_teacher_wants() -> None:
    """Its teacher learned with PPO; actions and their spread are copied through tanh, the critics stay as they are."""
    torch.manual_seed(3)
    rng, teacher = np.random.default_rng(0), new_teacher(0)
    network = SAC.network(small_model(0))
    critics = {
        name: part.clone()
        for name, part in network.state_dict().items()
        if name.startswith(("q.one", "q.other", "value.output"))
    }
    learner = ImitationLearner(network, Hyperparameters(batch_size=16, lr=1e-3), CPU, 0)
    gaps = [learner.learn([experience(0, rng), experience(0, rng)], teacher, 0) for _ in range(10)]
    assert gaps[-1] < 0.1 * gaps[0]
    with torch.no_grad():
        wanted = teacher.policy.distribution(teacher.policy_outputs({THIRDS.name: torch.eye(3)}))
        done = network.policy.distribution(
            network.policy_outputs({CAMERA: torch.from_numpy(images(np.arange(3)))})
        )
        drawn = [done.sample(torch.Generator().manual_seed(seed)) for seed in range(300)]
    np.testing.assert_allclose(done.greedy().numpy(), wanted.greedy().numpy(), atol=0.3)
    inside = wanted.greedy().abs() < 0.6
    spread = torch.stack(drawn).std(0)[inside]
    np.testing.assert_allclose(spread.numpy(), wanted.log_std.exp()[inside].numpy(), rtol=0.5)
    assert all(torch.equal(part, network.state_dict()[name]) for name, part in critics.items())


def test_what_does_not_depend_on_the_picture_is_taken_over() -> None:
    teacher, learner = new_teacher(0), new_learner(0)
    [name] = learner.network.policy.head.free_variables()
    with torch.no_grad():
        teacher.policy.get_parameter(name).copy_(torch.tensor([[-1.25, -0.5]]))
    learner.learn([experience(0, np.random.default_rng(0))], teacher, 0)
    own = learner.network.policy.get_parameter(name)
    assert own.tolist() == [[-1.25, -0.5]]
    assert own is not teacher.policy.get_parameter(name)


@pytest.mark.parametrize("is_shared", [True, False])
def test_neither_the_teacher_nor_the_value_head_learns_from_imitation(is_shared: bool) -> None:
    teacher, learner = new_teacher(3), new_learner(3, is_shared=is_shared)
    before = [copy.deepcopy(network.state_dict()) for network in (teacher, learner.network)]
    learner.learn([experience(3, np.random.default_rng(0))], teacher, 0)
    changed = {
        name.partition(".")[0]
        for network, old in zip((teacher, learner.network), before, strict=True)
        for name, part in network.state_dict().items()
        if not torch.equal(part, old[name])
    }
    assert changed - ({"value_trunk"} if is_shared else set()) == {"policy_trunk", "policy"}
    assert all(torch.equal(part, before[0][name]) for name, part in teacher.state_dict().items())


def test_an_imitation_that_diverges_says_so() -> None:
    learner = new_learner(0, lr=1e30)
    with pytest.raises(DrError, match="diverged") as caught:
        learner.learn([experience(0, np.random.default_rng(0))], new_teacher(0), 0)
    assert "lr" in caught.value.hint


def test_randomised_pictures_are_learned_longer_in_smaller_steps_and_from_clearer_labels() -> None:
    torch.manual_seed(3)
    usual, random = (
        schooling_for(teacher_model(model_of(3)), is_randomised) for is_randomised in (False, True)
    )
    assert usual == USUAL
    assert random.whole_rate_for > usual.whole_rate_for
    assert random.teacher_learns_on_from > usual.teacher_learns_on_from
    learner = new_learner(3, schooling=random._replace(largest_batch=8))
    teacher = new_teacher(3)
    with torch.no_grad():
        teacher.policy.dense.weight.mul_(0.1)
        teacher.policy.dense.bias.mul_(0.1)
    learner.learn([experience(3, np.random.default_rng(0))], teacher, 0)
    assert learner.state()["adam_steps"].item() == 6  # of 48 samples
    of_usual = new_learner(3)
    of_usual.learn([experience(3, np.random.default_rng(0))], teacher, 0)
    assert learner._recent[0][1] > 1.3 * of_usual._recent[0][1]  # what the labels tell


# How far apart two policies are


@pytest.mark.slow  # imports torch.distributions
def test_the_divergence_of_discrete_policies_is_that_of_torch() -> None:
    own, wanted = torch.randn(2, 50, 4, generator=torch.Generator().manual_seed(1)) * 3
    got = CategoricalDistribution(own).divergence_from(CategoricalDistribution(wanted))
    expected = kl_divergence(Categorical(logits=wanted), Categorical(logits=own))
    torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-5)


def normal(means: torch.Tensor, log_std: torch.Tensor) -> Independent:
    return Independent(Normal(means, log_std.exp().expand_as(means)), 1)


def test_the_divergence_of_continuous_policies_is_that_of_torch() -> None:
    own, wanted = torch.rand(2, 50, 2, generator=torch.Generator().manual_seed(1)) * 2 - 1
    of_own, of_wanted = torch.tensor([[-0.5, 0.3]]), torch.tensor([[-1.5, 0.1]])
    got = GaussianDistribution(own, of_own).divergence_from(GaussianDistribution(wanted, of_wanted))
    expected = kl_divergence(normal(wanted, of_wanted), normal(own, of_own))
    torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-5)


def test_what_is_wanted_beyond_the_bounds_is_wanted_at_the_bound() -> None:
    """No car steers further, so a student need not either; its own means count as they are."""
    own, log_std = torch.tensor([[0.4, 0.2], [1.5, -2.0]]), torch.tensor([[-0.5, -0.5]])
    wanted, bounded = torch.tensor([[3.0, -7.0], [1.0, 0.5]]), torch.tensor([[1.0, -1.0], [1.0, 0.5]])
    got = GaussianDistribution(own, log_std).divergence_from(GaussianDistribution(wanted, log_std))
    torch.testing.assert_close(got, kl_divergence(normal(bounded, log_std), normal(own, log_std)))


def told(policy: CategoricalDistribution | GaussianDistribution) -> float:
    return float(policy.averaged().divergence_from(policy).mean())


def test_no_other_single_policy_is_closer_to_all_than_their_average() -> None:
    generator = torch.Generator().manual_seed(1)
    discrete = CategoricalDistribution(torch.randn(50, 4, generator=generator) * 3)
    continuous = GaussianDistribution(
        torch.rand(50, 2, generator=generator) * 2 - 1, torch.tensor([[-0.5, 0.3]])
    )
    for _ in range(20):
        other = CategoricalDistribution(torch.randn(1, 4, generator=generator))
        assert other.divergence_from(discrete).mean() > told(discrete)
        means = torch.rand(1, 2, generator=generator) * 2 - 1
        aside = GaussianDistribution(means, torch.tensor([[-0.5, 0.3]]))
        assert aside.divergence_from(continuous).mean() > told(continuous)


def test_a_sharpened_policy_tells_more_and_prefers_the_same() -> None:
    policy = CategoricalDistribution(torch.randn(50, 4, generator=torch.Generator().manual_seed(1)) * 0.1)
    assert told(policy) < 0.01
    assert told(policy.sharpened(8.0)) > 20 * told(policy)
    assert torch.equal(policy.sharpened(8.0).greedy(), policy.greedy())


def test_a_teacher_that_hardly_decides_is_followed_all_the_same() -> None:
    torch.manual_seed(3)
    rng, teacher, learner = np.random.default_rng(0), new_teacher(3), new_learner(3)
    with torch.no_grad():
        teacher.policy.dense.weight.mul_(0.03)
        teacher.policy.dense.bias.mul_(0.03)
        wanted = teacher.policy.distribution(teacher.policy_outputs({THIRDS.name: torch.eye(3)}))
    assert told(wanted) < 0.05
    learner.learn([experience(3, rng)], teacher, 0)
    at_first = learner.blindness
    for _ in range(12):
        learner.learn([experience(3, rng)], teacher, 0)
    assert at_first > 0.6
    assert learner.blindness < 0.2
    with torch.no_grad():
        shown = {CAMERA: torch.from_numpy(images(np.arange(3)))}
        done = learner.network.policy.distribution(learner.network.policy_outputs(shown))
    assert torch.equal(done.greedy(), wanted.greedy())


# The state of Adam


def new_parameters(memory_format: torch.memory_format = torch.channels_last) -> list[torch.Tensor]:
    """The weights of a convolution and of a dense layer, and a bias."""
    generator = torch.Generator().manual_seed(2)
    shapes = (8, 4, 3, 3), (5, 6), (5,)
    conv, *others = (torch.randn(shape, generator=generator) for shape in shapes)
    return [conv.contiguous(memory_format=memory_format), *others]


def take_step(optimizer: Adam, parameters: list[torch.Tensor], number: int) -> list[torch.Tensor]:
    """With gradients that every place has its own of; the change of each parameter."""
    generator = torch.Generator().manual_seed(number)
    before = [part.clone() for part in parameters]
    for part in parameters:
        scale = torch.randn(part.shape, generator=torch.Generator().manual_seed(99)).exp()
        part.grad = torch.empty_like(part).copy_(torch.randn(part.shape, generator=generator) * scale)
    optimizer.step()
    return [part - old for part, old in zip(parameters, before, strict=True)]


def distance(changes: list[torch.Tensor], others: list[torch.Tensor]) -> float:
    return max(float((a - b).abs().max()) for a, b in zip(changes, others, strict=True))


@pytest.mark.parametrize("memory_format", [torch.channels_last, torch.contiguous_format])
def test_an_optimizer_goes_on_as_if_it_had_not_been_interrupted(memory_format: torch.memory_format) -> None:
    parameters, others = new_parameters(), new_parameters(memory_format)
    optimizer = Adam(parameters, lr=0.01, eps=1e-5)
    for number in range(6):
        take_step(optimizer, parameters, number)
    for part, other in zip(parameters, others, strict=True):
        other.copy_(part)
    resumed, afresh = Adam(others, lr=0.01, eps=1e-5), new_parameters()
    resumed.load_state(optimizer.state())
    expected = take_step(optimizer, parameters, 6)
    assert distance(take_step(resumed, others, 6), expected) < 0.02 * 0.01
    assert distance(take_step(Adam(afresh, lr=0.01, eps=1e-5), afresh, 6), expected) > 0.2 * 0.01


def test_the_state_of_an_optimizer_does_not_change_with_it() -> None:
    """It is written in the background."""
    parameters = new_parameters()
    optimizer = Adam(parameters, lr=0.01, eps=1e-5)
    take_step(optimizer, parameters, 0)
    state = optimizer.state()
    before = {name: part.clone() for name, part in state.items()}
    take_step(optimizer, parameters, 1)
    assert all(torch.equal(part, before[name]) for name, part in state.items())
    assert state["adam_steps"].item() == 1
    assert state["adam_means"].dtype is torch.bfloat16


@pytest.mark.parametrize(
    "change",
    [
        lambda state: {},
        lambda state: {"other": torch.ones(3)},
        lambda state: {"adam_means": state["adam_means"]},
        lambda state: {
            **state,
            "adam_means": state["adam_means"][:-1],
            "adam_squares": state["adam_squares"][:-1],
        },
    ],
    ids=["empty", "another-algorithm", "incomplete", "another-network"],
)
def test_a_state_of_something_else_starts_afresh(change) -> None:
    trained = new_parameters()
    optimizer = Adam(trained, lr=0.01, eps=1e-5)
    take_step(optimizer, trained, 0)
    one, other = new_parameters(), new_parameters()
    restored = Adam(one, lr=0.01, eps=1e-5)
    restored.load_state(change(optimizer.state()))
    assert distance(take_step(restored, one, 1), take_step(Adam(other, lr=0.01, eps=1e-5), other, 1)) == 0.0


def test_a_student_goes_on_with_the_state_of_its_optimizer() -> None:
    torch.manual_seed(3)
    teacher, learner = new_teacher(3), new_learner(3)
    rng = np.random.default_rng(0)
    learner.learn([experience(3, rng)], teacher, 0)
    resumed = ImitationLearner(
        copy.deepcopy(learner.network), Hyperparameters(batch_size=16, lr=1e-3), CPU, 0
    )
    resumed.load_state(learner.state())
    assert resumed.state().keys() == learner.state().keys()
    assert all(torch.equal(part, learner.state()[name]) for name, part in resumed.state().items())


# Value heads


def drive(cars: int = 4, steps: int = 24) -> tuple[Rollout, np.ndarray]:
    """Episodes of five steps, of which the picture shows the number, with 1 for each; and what is still to come.

    In every third step a car is parked: what is there does not count.
    """
    rollout = RolloutSpec.of(small_model(3), ClippedPPO.extras).zeros(steps, cars)
    rng = np.random.default_rng(5)
    rollout.obs[CAMERA][:] = rng.integers(0, 255, rollout.obs[CAMERA].shape)
    rollout.rewards[:], rollout.dones[:] = 1e5, True
    to_come = np.zeros((steps, cars))
    for car in range(cars):
        phase = car
        for step in range(steps):
            if (step + car) % 3 == 0:
                continue
            rollout.obs[CAMERA][step, car] = images(np.array([phase]), WIDTH // PHASES)[0]
            rollout.rewards[step, car], rollout.dones[step, car] = 1.0, phase == PHASES - 1
            rollout.valid[step, car] = True
            to_come[step, car] = (1 - GAMMA ** (PHASES - phase)) / (1 - GAMMA)
            phase = (phase + 1) % PHASES
        rollout.last_obs[CAMERA][car] = images(np.array([phase]), WIDTH // PHASES)[0]
    return rollout, to_come


def seen(network: ActorCritic, rollout: Rollout) -> tuple[torch.Tensor, np.ndarray]:
    """Outputs of the policy and values for the steps that count."""
    with torch.no_grad():
        outputs, values = network({CAMERA: torch.from_numpy(rollout.obs[CAMERA][rollout.valid])})
    return outputs, values.numpy()


@pytest.mark.parametrize("is_shared", [True, False])
def test_a_fitted_value_head_knows_what_is_to_come_and_the_policy_stays(is_shared: bool) -> None:
    torch.manual_seed(1)
    network = ActorCritic(small_model(3), is_shared)
    network.initialise()
    rollout, to_come = drive()
    wanted = to_come[rollout.valid]
    before = copy.deepcopy(network.state_dict())
    outputs, values = seen(network, rollout)
    fit_value_head(network, [rollout, drive(2)[0]], GAMMA)
    fitted_outputs, fitted = seen(network, rollout)
    assert torch.equal(outputs, fitted_outputs)
    changed = {name for name, part in network.state_dict().items() if not torch.equal(part, before[name])}
    assert changed == {"value.weight", "value.bias"}
    assert np.mean((fitted - wanted) ** 2) < 0.02 * np.mean((values - wanted) ** 2)
    assert np.mean((fitted - wanted) ** 2) < 0.05 * wanted.var()


def test_a_learner_that_adapts_leaves_its_policy() -> None:
    torch.manual_seed(1)
    learner = ClippedPPO.learner(
        ClippedPPO.network(small_model(3)), Hyperparameters(discount_factor=GAMMA), CPU, 0
    )
    rollout, to_come = drive()
    outputs, _ = seen(learner.network, rollout)
    assert learner.adapt([rollout]) == []
    same, values = seen(learner.network, rollout)
    assert torch.equal(outputs, same)
    assert np.mean((values - to_come[rollout.valid]) ** 2) < 0.05 * to_come[rollout.valid].var()


# Critics that see more


@pytest.fixture
def seeing_more() -> ModelSpec:
    """A model whose value network sees the motion, too."""
    return ModelSpec((THIRDS,), SMALL, model_of(3).head, (MOTION,))


def views(number: int) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(number)
    return {"thirds": torch.eye(3), "motion": torch.randn(3, 4, generator=generator)}


def test_what_only_the_value_network_sees_does_not_move_the_policy(seeing_more: ModelSpec) -> None:
    torch.manual_seed(1)
    network = new_actor_critic(seeing_more)
    assert not network.is_shared
    with torch.no_grad():
        outputs, values = network(views(1))
        other_outputs, other_values = network(views(2))
        blind = network.policy_outputs({"thirds": torch.eye(3)})
    assert torch.equal(outputs, other_outputs)
    assert torch.equal(outputs, blind)
    assert (values - other_values).abs().min() > 1e-3
    with torch.no_grad():
        assert torch.equal(network.value(network.value_features(views(1))).squeeze(-1), values)


def test_a_critic_that_sees_more_comes_back_from_its_variables(seeing_more: ModelSpec) -> None:
    network = new_actor_critic(seeing_more)
    variables = to_tensors(network)
    filled = new_actor_critic(seeing_more)
    fill(filled, variables)
    for again in (restored_actor_critic(seeing_more, variables), filled):
        assert not again.is_shared
        assert to_tensors(again).keys() == variables.keys()
        with torch.no_grad():
            for part, expected in zip(again(views(1)), network(views(1)), strict=True):
                assert torch.equal(part, expected)


def test_a_teacher_drives_with_what_its_learner_has() -> None:
    model = teacher_model(model_of(3))
    network = new_actor_critic(model)
    actor = ClippedPPO.actor(model, Hyperparameters(), CPU, 0)
    actor.load(weights_of(network, torch.float32))
    rng = np.random.default_rng(0)
    sensors = (*model.sensors, *model.value_sensors)
    obs = {sensor.name: rng.random((6, *sensor.shape), np.float32) for sensor in sensors}
    decision = actor.act(obs, greedy=True)
    with torch.no_grad():
        outputs, values = network({name: torch.from_numpy(part) for name, part in obs.items()})
    np.testing.assert_array_equal(decision.actions, outputs.argmax(-1).numpy())
    np.testing.assert_allclose(decision.extras["values"], values.numpy(), rtol=1e-5)
