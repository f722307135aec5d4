"""The policy head of SAC: tanh of Normals, whose means and log-std both depend on what is seen.

As in the community's engine (`markov/multi_agent_coach/…/heads/sac_head.py`), with actions and log-probabilities in
units of -1 … 1 instead of degrees and metres per second.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from drcli.config.model_metadata import ModelMetadata
from drcli.train.graph_builder import GraphBuilder
from drcli.train.heads.gaussian import Gaussian, GaussianDistribution
from drcli.train.heads.head import Commands, Head

LOG_STD_MIN, LOG_STD_MAX = -20.0, 2.0
FIRST_LAYER, LOG_STD_LAYER = "dense", "dense_1"  # coach gives them no names: these are TensorFlow's
MOST = 0.97  # of a teacher's action that is copied: tanh never gets to 1
_HALF_LOG_TWO_PI = 0.5 * math.log(2 * math.pi)
_NODES, _WEIGHTS = (torch.from_numpy(part).float() for part in np.polynomial.hermite_e.hermegauss(16))


class Squashed:
    """An action is float32 (steering, speed) in [-1, 1], scaled to the bounds of each, as that of `inner` is."""

    kind: ClassVar[str] = Gaussian.kind
    layer: ClassVar[str] = Gaussian.layer
    action_dtype: ClassVar[np.dtype[Any]] = Gaussian.action_dtype

    def __init__(self, inner: Head) -> None:
        self._inner = inner
        self.action_shape = inner.action_shape
        self.num_outputs = 2 * inner.num_outputs

    @classmethod
    def of(cls, metadata: ModelMetadata) -> Squashed:
        """The head for the bounds of steering and speed. Raises UsageError if there are none."""
        return cls(Gaussian.of(metadata))

    def free_variables(self) -> dict[str, Tensor]:
        """None."""
        return {}

    def distribution(self, outputs: Tensor, free: Mapping[str, Tensor]) -> SquashedDistribution:
        """The distribution for means and log-std, side by side, [B, 2 D]."""
        return squashed(outputs)

    def commands(self, actions: NDArray[np.float32]) -> Commands:
        """The commands for actions [K, 2]; traces show `[steering speed]`."""
        return self._inner.commands(actions)

    def nodes(self, graph: GraphBuilder, scope: str, x: str) -> str:
        """Tanh of the means, float32 [B, D], and `policy_log_std`.

        In coach's graph `policy` is the means alone. A car clips them to -1 … 1, so it would steer harder than the
        car in the simulator, which applies tanh.
        """
        x = graph.dense(f"{scope}/{FIRST_LAYER}", x)
        x = graph.operation(f"{scope}/{FIRST_LAYER}/Relu", "Relu", x)
        policy = graph.operation(f"{scope}/policy", "Tanh", graph.dense(f"{scope}/{self.layer}", x))
        log_std = graph.dense(f"{scope}/{LOG_STD_LAYER}", x)
        graph.clipped(f"{scope}/policy_log_std", LOG_STD_MIN, LOG_STD_MAX, log_std)
        return policy


class SquashedDistribution:
    """Tanh of independent Normals with means and log-std [B, D]."""

    def __init__(self, means: Tensor, log_std: Tensor) -> None:
        self._means = means
        self._log_std = log_std

    def greedy(self) -> Tensor:
        """Tanh of the means, float32 [B, D]."""
        return self._means.tanh()

    def sample(self, rng: torch.Generator, epsilon: float | None = None) -> Tensor:
        """float32 [B, D]; `epsilon` is ignored, since the noise explores enough."""
        return self.draw(rng)[0]

    def draw(self, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        """Actions [B, D] and their log-probabilities [B]; gradients flow through both to means and log-std."""
        noise = torch.randn(self._means.shape, generator=rng).to(self._means.device)
        raw = self._means + noise * self._log_std.exp()
        logprobs = -(0.5 * noise * noise + self._log_std + _HALF_LOG_TWO_PI + _log_slope(raw))
        return raw.tanh(), logprobs.sum(-1)

    def log_prob(self, actions: Tensor) -> Tensor:
        """Log-probabilities [B] of actions float32 [B, D]; those at the bounds count as just inside of them."""
        raw = actions.clamp(-1 + 1e-6, 1 - 1e-6).atanh()
        z = (raw - self._means) / self._log_std.exp()
        return -(0.5 * z * z + self._log_std + _HALF_LOG_TWO_PI + _log_slope(raw)).sum(-1)

    def entropy(self) -> Tensor:
        """Entropies [B] in nats, by Gauss-Hermite quadrature: there is no closed form."""
        nodes, weights = _NODES.to(self._means), _WEIGHTS.to(self._means)
        raw = self._means.unsqueeze(-1) + self._log_std.exp().unsqueeze(-1) * nodes
        slope = (_log_slope(raw) * weights).sum(-1) / weights.sum()
        return (self._log_std + 0.5 + _HALF_LOG_TWO_PI + slope).sum(-1)

    def averaged(self) -> SquashedDistribution:
        """Around the mean of the means, [1, D]."""
        return SquashedDistribution(self._means.mean(0, keepdim=True), self._log_std.mean(0, keepdim=True))

    def sharpened(self, power: float) -> SquashedDistribution:
        """As it is: the means alone say which actions are best."""
        return self

    def divergence_from(self, wanted: GaussianDistribution) -> Tensor:
        """Divergences [B] from Normals over actions, those of a teacher, in nats.

        They are compared before tanh: the teacher's action becomes the mean there, and what lies one standard deviation
        from it, towards 0, also does after tanh. The divergence of Kullback and Leibler has two parts here: for means
        with the spread that is wanted, and, to second order, for the spread alone. So what is wrong about an action is
        never made good by a larger spread.
        """
        actions = wanted.greedy().clamp(-MOST, MOST)
        inwards = (actions - actions.sign() * wanted.log_std.exp()).clamp(-MOST, MOST)
        means, spread = actions.atanh(), (actions.atanh() - inwards.atanh()).abs()
        spread = torch.where(actions == 0, wanted.log_std.exp().clamp(max=MOST).atanh(), spread)
        gap, wider = (means - self._means) / spread, self._log_std - spread.log()
        return (0.5 * gap * gap + wider * wider).sum(-1)


def squashed(outputs: Tensor) -> SquashedDistribution:
    """The distribution for means and log-std, side by side, [B, 2 D]."""
    means, log_std = outputs.chunk(2, -1)
    return SquashedDistribution(means, log_std.clamp(LOG_STD_MIN, LOG_STD_MAX))


def _log_slope(raw: Tensor) -> Tensor:
    """log(1 - tanh²(raw)), also where tanh is 1 in float32."""
    return 2 * (math.log(2) - raw - F.softplus(-2 * raw))
