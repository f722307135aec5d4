"""The networks of SAC: policy, twin Q and state value, under the names of the community's engine.

There, each has layers of its own. Here all three may share the embedders, which the Q network trains alone; a
checkpoint holds all networks either way. The names of heads are read from the engine's source, as no graph is known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from math import prod
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from drcli.tensorflow.graph_def import Node
from drcli.train.checkpoint import check_head, fill, with_camera_of
from drcli.train.graph_builder import GraphBuilder
from drcli.train.graph_variables import Variables
from drcli.train.heads.head import Head
from drcli.train.heads.squashed import FIRST_LAYER, LOG_STD_LAYER, Squashed, SquashedDistribution, squashed
from drcli.train.model import ModelSpec
from drcli.train.network import (
    RESCALER,
    VALUE_HEAD,
    VALUE_LAYER,
    Embedder,
    Observation,
    PolicyNetwork,
    PolicyOutput,
    Trunk,
    Variable,
    dense_variables,
    initialise,
)
from drcli.train.network_graph import features, value_nodes

POLICY_UNITS = Q_UNITS = 256
Q_HEAD = "q_values_head_0"
_POLICY, _Q, _VALUE = (f"main_level/agent/{name}/online/network_0" for name in ("policy", "q", "v"))


class SquashedOutput(PolicyOutput):
    """The weights of the head: a hidden layer, then means and log-std by one dense layer, two variables of coach."""

    def __init__(self, head: Head, num_features: int) -> None:
        super().__init__(Squashed(head), POLICY_UNITS)
        self.hidden = nn.Linear(num_features, POLICY_UNITS)
        self._num_means = head.num_outputs

    def initialise(self) -> None:
        """Draw random weights."""
        initialise(self.hidden, gain=2**0.5)
        super().initialise()

    def variables(self, scope: str) -> Iterator[Variable]:
        """The variables of all three layers."""
        yield from dense_variables(self.hidden, f"{scope}/{FIRST_LAYER}")
        weight, bias, size = self.dense.weight, self.dense.bias, self._num_means
        for layer, rows in ((self.head.layer, slice(size)), (LOG_STD_LAYER, slice(size, None))):
            yield Variable(f"{scope}/{layer}/kernel", weight[rows].permute(1, 0))
            yield Variable(f"{scope}/{layer}/bias", bias[rows])

    def distribution(self, outputs: Tensor) -> SquashedDistribution:
        """The distribution for outputs, float32 [B, 2 D] on any device."""
        return squashed(outputs)

    def forward(self, features: Tensor) -> Tensor:
        """Returns [B, 2 D] for [B, num_features]."""
        return super().forward(F.relu(self.hidden(features)))


class SquashedPolicy(PolicyNetwork):
    """The policy alone: what a worker needs."""

    policy: SquashedOutput
    input_scope = policy_scope = _POLICY
    head_scope = "sac_policy_head_0"
    output = SquashedOutput


class QOutput(nn.Module):
    """One of the twins: the value of an action, from what is seen and the action side by side."""

    def __init__(self, num_inputs: int) -> None:
        super().__init__()
        self.first = nn.Linear(num_inputs, Q_UNITS)
        self.second = nn.Linear(Q_UNITS, Q_UNITS)
        self.last = nn.Linear(Q_UNITS, 1)

    @torch.no_grad()
    def initialise(self, num_actions: int) -> None:
        """Draw random weights; those of an action as if the layer saw nothing else.

        Drawn with all others they would at first be lost among those of 11,264 features.
        """
        initialise(self.first, gain=2**0.5)
        of_actions = torch.empty(Q_UNITS, num_actions)
        self.first.weight[:, -num_actions:] = nn.init.orthogonal_(of_actions, gain=2**0.5)
        initialise(self.second, gain=2**0.5)
        initialise(self.last, gain=1.0)

    def variables(self, scope: str, output: str) -> Iterator[Variable]:
        """The kernel and bias of each layer; `output`: the name of the last one."""
        for name, layer in (("dense", self.first), ("dense_1", self.second), (output, self.last)):
            yield from dense_variables(layer, f"{scope}/{name}")

    def forward(self, x: Tensor) -> Tensor:
        """Returns [B]."""
        value: Tensor = self.last(F.relu(self.second(F.relu(self.first(x))))).squeeze(-1)
        return value


class TwinQ(nn.Module):
    """Two estimates of the value of an action; both are on what the same embedders see, without a middleware."""

    def __init__(self, model: ModelSpec, embedders: Sequence[Embedder] | None) -> None:
        super().__init__()
        self.trunk = Trunk(model.sensors, replace(model.architecture, middleware=()), embedders)
        self._num_actions = prod(model.head.action_shape)
        num_inputs = self.trunk.num_features + self._num_actions
        self.one, self.other = QOutput(num_inputs), QOutput(num_inputs)

    def initialise(self) -> None:
        """Draw random weights for both twins."""
        for twin in (self.one, self.other):
            twin.initialise(self._num_actions)

    def variables(self) -> Iterator[Variable]:
        """Those of the embedders and of both twins."""
        yield from self.trunk.variables()
        yield from self.one.variables(f"{Q_HEAD}/q1_head", "q1_output")
        yield from self.other.variables(f"{Q_HEAD}/q2_head", "q2_output")

    def forward(self, seen: Tensor, actions: Tensor) -> tuple[Tensor, Tensor]:
        """Both estimates, [B] each, for features [B, F] and actions [B, D]."""
        x = torch.cat((seen, actions), -1)
        return self.one(x), self.other(x)

    def least(self, seen: Tensor, actions: Tensor) -> Tensor:
        """The lower estimate, [B]."""
        one, other = self(seen, actions)
        return torch.minimum(one, other)


class StateValue(nn.Module):
    """The value of what is seen, under the policy."""

    def __init__(self, model: ModelSpec, embedders: Sequence[Embedder] | None) -> None:
        super().__init__()
        self.trunk = Trunk(model.sensors, model.architecture, embedders)
        self.output = nn.Linear(self.trunk.num_features, 1)

    def variables(self) -> Iterator[Variable]:
        """Those of the trunk and of the output."""
        yield from self.trunk.variables()
        yield from dense_variables(self.output, f"{VALUE_HEAD}/{VALUE_LAYER}")

    def valued(self, seen: Tensor) -> Tensor:
        """Values [B] of features [B, num_features]."""
        value: Tensor = self.output(seen).squeeze(-1)
        return value


class Seen(NamedTuple):
    """What each head works on, float32 [B, …]: features of the policy, of the Q network and of the value network."""

    policy: Tensor
    q: Tensor
    value: Tensor


class SoftActorCritic(SquashedPolicy):
    """All three networks. With `is_shared`, they have one set of embedders; otherwise each has its own."""

    def __init__(self, model: ModelSpec, is_shared: bool = True) -> None:
        super().__init__(model)
        self.is_shared = is_shared
        embedders = self.policy_trunk.embedders if is_shared else None
        self.q = TwinQ(model, embedders)
        self.value = StateValue(model, embedders)

    def initialise(self) -> None:
        """Draw random weights from torch's global generator."""
        super().initialise()
        if not self.is_shared:
            for embedder in (*self.q.trunk.embedders, *self.value.trunk.embedders):
                embedder.initialise()
        self.q.initialise()
        self.value.trunk.middleware.initialise()
        initialise(self.value.output, gain=1.0)

    def variables(self) -> Iterator[Variable]:
        """The variables of all networks; shared embedders are listed three times."""
        yield from super().variables()
        for scope, critic in ((_Q, self.q), (_VALUE, self.value)):
            yield Variable(f"{scope}/{RESCALER}", torch.ones(()))
            for name, value in critic.variables():
                yield Variable(f"{scope}/{name}", value)

    def acting_parameters(self) -> Iterator[tuple[str, nn.Parameter]]:
        """The policy's, a quarter of all."""
        own = ("policy.", "policy_trunk.")
        return ((name, part) for name, part in self.named_parameters() if name.startswith(own))

    def policy_parameters(self) -> list[nn.Parameter]:
        """Those that the policy's own loss trains: without shared embedders, which belong to the Q network."""
        trunk = self.policy_trunk.middleware if self.is_shared else self.policy_trunk
        return [*trunk.parameters(), *self.policy.parameters()]

    def forward(self, obs: Observation) -> Seen:
        """Features for the heads. Through shared embedders, gradients flow back from the Q network alone."""
        inputs = self.policy_trunk.prepare(obs, self.dtype)
        seen = self.q.trunk(inputs)
        if self.is_shared:
            held = seen.detach()
            policy, value = (trunk.middleware(held) for trunk in (self.policy_trunk, self.value.trunk))
        else:
            policy, value = self.policy_trunk(inputs), self.value.trunk(inputs)
        return Seen(policy.float(), seen.float(), value.float())

    def critic_nodes(self, model: ModelSpec, variables: Variables) -> Sequence[Node]:
        """Both critics, each with placeholders of its own; the Q network has one for actions, too."""
        graph = GraphBuilder(_Q, variables)
        bare = replace(model.architecture, middleware=())
        x = graph.rescaled(RESCALER, Q_HEAD, features(graph, _Q, model.sensors, bare))
        actions = graph.placeholder(f"{_Q}/{Q_HEAD}/action", model.head.action_shape)
        for twin in ("q1", "q2"):
            y = graph.joined((x, actions), f"{Q_HEAD}/{twin}_head/concat")
            for layer in ("dense", "dense_1"):
                scope = f"{Q_HEAD}/{twin}_head/{layer}"
                y = graph.operation(f"{scope}/Relu", "Relu", graph.dense(scope, y))
            graph.dense(f"{Q_HEAD}/{twin}_head/{twin}_output", y)
        value = value_nodes(GraphBuilder(_VALUE, variables), _VALUE, model.sensors, model.architecture)
        return [*graph.nodes, *value]


def new_soft_actor_critic(model: ModelSpec) -> SoftActorCritic:
    """Create networks with random weights and shared embedders."""
    network = SoftActorCritic(model)
    network.initialise()
    return network


def restored_soft_actor_critic(model: ModelSpec, variables: Mapping[str, Tensor]) -> SoftActorCritic:
    """Restore a checkpoint's networks; equal embedders become one set. Raises DrError if it is of another model.

    A frozen graph has the means of the policy alone: its critics and its log-std start from scratch, the critics on
    what the policy's embedders see.
    """
    variables = with_camera_of(model.sensors, variables)
    check_head(model.head, f"{SquashedPolicy.policy_scope}/{SquashedPolicy.head_scope}", variables)
    network = SoftActorCritic(model)
    has_critics = any(name.startswith(f"{_Q}/{Q_HEAD}/") for name in variables)
    if has_critics and not _share_embedders(network, variables):
        network = SoftActorCritic(model, is_shared=False)
    if not has_critics:
        network.initialise()
        own = dict(network.variables())
        seen = {
            name.replace(_POLICY, scope): part for name, part in variables.items() for scope in (_Q, _VALUE)
        }
        variables = {**own, **{name: part for name, part in seen.items() if name in own}, **variables}
    fill(network, variables)
    return network


def _share_embedders(network: SoftActorCritic, variables: Mapping[str, Tensor]) -> bool:
    names = [name for embedder in network.policy_trunk.embedders for name, _ in embedder.stack.variables()]
    pairs = chain.from_iterable(
        ((variables.get(f"{_POLICY}/{name}"), variables.get(f"{scope}/{name}")) for scope in (_Q, _VALUE))
        for name in names
    )
    return all(one is not None and other is not None and torch.equal(one, other) for one, other in pairs)
