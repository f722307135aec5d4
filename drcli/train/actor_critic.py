"""Policy and value networks.

Coach trains two separate networks (`network_0` value, `network_1` policy). Here both heads may share one trunk,
which is twice as fast; a checkpoint holds both networks either way.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor, nn

from drcli.tensorflow.graph_def import Node
from drcli.train.checkpoint import check_head, fill, with_camera_of
from drcli.train.graph_builder import GraphBuilder
from drcli.train.graph_variables import Variables
from drcli.train.model import ModelSpec
from drcli.train.network import (
    RESCALER,
    ROOT,
    VALUE_HEAD,
    VALUE_LAYER,
    Observation,
    PolicyNetwork,
    Trunk,
    Variable,
    dense_variables,
    initialise,
)
from drcli.train.network_graph import value_nodes


class ActorCritic(PolicyNetwork):
    """A policy and a value network. With `is_shared`, both heads use one trunk; otherwise each has its own."""

    value_scope = f"{ROOT}/network_0"
    value_head_scope = VALUE_HEAD

    def __init__(self, model: ModelSpec, is_shared: bool = True) -> None:
        super().__init__(model)
        sensors = (*model.sensors, *model.value_sensors)
        self.value_trunk = self.policy_trunk if is_shared else Trunk(sensors, model.architecture)
        self.value = nn.Linear(self.policy_trunk.num_features, 1)

    @property
    def is_shared(self) -> bool:
        """Whether both heads use one trunk."""
        return self.value_trunk is self.policy_trunk

    def initialise(self) -> None:
        """Draw random weights from torch's global generator."""
        super().initialise()
        if not self.is_shared:
            self.value_trunk.initialise()
        initialise(self.value, gain=1.0)

    def variables(self) -> Iterator[Variable]:
        """The variables of both networks; a shared trunk is listed twice."""
        yield Variable(f"{self.value_scope}/{RESCALER}", torch.ones(()))
        head = f"{self.value_head_scope}/{VALUE_LAYER}"
        for name, value in (*self.value_trunk.variables(), *dense_variables(self.value, head)):
            yield Variable(f"{self.value_scope}/{name}", value)
        yield from super().variables()

    def critic_nodes(self, model: ModelSpec, variables: Variables) -> Sequence[Node]:
        """The value network's."""
        sensors = (*model.sensors, *model.value_sensors)
        graph = GraphBuilder(self.value_scope, variables)
        return value_nodes(graph, self.input_scope, sensors, model.architecture)

    def forward(self, obs: Observation) -> tuple[Tensor, Tensor]:
        """Map observations [B, …] by sensor to (outputs of the policy head [B, num_outputs], values [B])."""
        inputs = self.policy_trunk.prepare(obs, self.dtype)
        features = self.policy_trunk(inputs)
        value_features = features if self.is_shared else self.value_trunk(self._value_inputs(inputs, obs))
        return self.policy(features), self.value(value_features).squeeze(-1)

    def value_features(self, obs: Observation) -> Tensor:
        """What the value head works on, [B, num_features]."""
        features: Tensor = self.value_trunk(self.value_trunk.prepare(obs, self.dtype))
        return features

    def _value_inputs(self, inputs: list[Tensor], obs: Observation) -> list[Tensor]:
        """Those of the policy, and what only the value network sees."""
        more = self.value_trunk.embedders[len(inputs) :]
        return [*inputs, *(embedder.prepare(obs[embedder.sensor], self.dtype) for embedder in more)]


def new_actor_critic(model: ModelSpec) -> ActorCritic:
    """Create a network with random weights, and a shared trunk if both see the same."""
    network = ActorCritic(model, is_shared=not model.value_sensors)
    network.initialise()
    return network


def restored_actor_critic(model: ModelSpec, variables: Mapping[str, Tensor]) -> ActorCritic:
    """Restore a checkpoint's network; equal trunks become one. Raises DrError if it belongs to another model.

    A frozen graph has no value network: its value head and the exploration start from scratch, the former on the
    features of the policy.
    """
    variables = with_camera_of(model.sensors, variables)
    check_head(model.head, f"{PolicyNetwork.policy_scope}/{PolicyNetwork.head_scope}", variables)
    network = ActorCritic(model, is_shared=not model.value_sensors)
    names = [name for name, _ in network.policy_trunk.variables()]
    scopes = network.value_scope, network.policy_scope
    of_value, of_policy = ([variables.get(f"{scope}/{name}") for name in names] for scope in scopes)
    if network.is_shared and not all(map(_are_equal, of_value, of_policy)):
        network = ActorCritic(model, is_shared=False)
    if not any(name.startswith(f"{network.value_scope}/{network.value_head_scope}/") for name in variables):
        variables = {**_not_in_graph(network, variables), **variables}
    fill(network, variables)
    return network


def _not_in_graph(network: ActorCritic, variables: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Variables of a value network that knows nothing yet but sees what the policy sees, and those of exploration."""
    initialise(network.value, gain=1.0)
    policy, value = f"{network.policy_scope}/", f"{network.value_scope}/"
    seen = {name.replace(policy, value): tensor for name, tensor in variables.items()}
    new = {name: seen.get(name, own) for name, own in network.variables() if name.startswith(value)}
    return new | dict(network.policy.free_variables(policy + network.head_scope))


def _are_equal(one: Tensor | None, other: Tensor | None) -> bool:
    return one is not None and other is not None and torch.equal(one, other)
