"""The networks: DEEP_CONVOLUTIONAL_NETWORK_SHALLOW with a policy head and a value head.

Coach trains two separate networks (`network_0` value, `network_1` policy). Here both heads may stand on
one trunk, which is twice as fast; a checkpoint holds both networks either way (`drcli.train.checkpoint`).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

IMAGE_HEIGHT, IMAGE_WIDTH = 120, 160
FLAT = 11 * 16 * 64  # what the three convolutions leave of a 120 x 160 image
HIDDEN = 512
# The graph has no other normalisation than 0..1. The first convolution starts as if images were centred and of unit
# spread, which saves a third of the steps; it is an ordinary bias and weight from then on. Means over our tracks.
IMAGE_MEAN, IMAGE_GAIN = 0.36, 3.0
LOG_STD_MIN, LOG_STD_MAX = -20.0, 3.0  # rl_coach, ppo_head.py


@dataclass(frozen=True)
class PolicySpec:
    """What the policy head puts out.

    num_outputs: discrete actions, or dimensions of a continuous action (steering, speed).
    """

    num_outputs: int
    is_continuous: bool = False


def _initialise(layer: nn.Conv2d | nn.Linear, gain: float) -> None:
    nn.init.orthogonal_(layer.weight, gain=gain)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)


class Trunk(nn.Module):
    """Grey image to 512 features: conv 32x8/4, 64x4/2, 64x3/1, dense 512, ReLU after each.

    Sizes as in the community's `markov/sensors/utils.py`. Features are flattened row by row with the
    channel last, so that weights map to TensorFlow's layout without a permutation of the dense layer.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv0 = nn.Conv2d(1, 32, 8, 4)
        self.conv2 = nn.Conv2d(32, 64, 4, 2)
        self.conv4 = nn.Conv2d(64, 64, 3, 1)
        self.dense = nn.Linear(FLAT, HIDDEN)

    def initialise(self) -> None:
        """Orthogonal weights, no bias."""
        for layer in (self.conv0, self.conv2, self.conv4, self.dense):
            _initialise(layer, gain=2**0.5)
        with torch.no_grad():  # see IMAGE_MEAN
            self.conv0.weight *= IMAGE_GAIN
            bias = self.conv0.bias
            assert bias is not None
            bias -= IMAGE_MEAN * self.conv0.weight.sum((1, 2, 3))

    def forward(self, images: Tensor) -> Tensor:
        """[B, 1, 120, 160] in 0..1 to [B, 512]."""
        x = F.relu(self.conv0(images))
        x = F.relu(self.conv2(x))
        x = F.relu(self.conv4(x))
        x = x.permute(0, 2, 3, 1).reshape(x.shape[0], FLAT)
        return F.relu(self.dense(x))


class ActorCritic(nn.Module):
    """Policy and value of a grey camera image.

    `is_shared` says whether both heads stand on one trunk; otherwise `value_trunk` is a second one. A blank
    network is to be filled with weights at once: drawing initial ones takes 0.3 s.
    """

    def __init__(self, spec: PolicySpec, is_shared: bool = True, is_blank: bool = False) -> None:
        super().__init__()
        self.spec = spec
        self.policy_trunk = Trunk()
        self.value_trunk = self.policy_trunk if is_shared else Trunk()
        self.policy = nn.Linear(HIDDEN, spec.num_outputs)
        self.value = nn.Linear(HIDDEN, 1)
        if not is_blank:
            self._initialise()
        if spec.is_continuous:
            self.log_std = nn.Parameter(torch.zeros(1, spec.num_outputs))
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def _initialise(self) -> None:
        self.policy_trunk.initialise()
        if not self.is_shared:
            self.value_trunk.initialise()
        _initialise(self.policy, gain=0.01)  # starts near uniform
        _initialise(self.value, gain=1.0)

    @property
    def is_shared(self) -> bool:
        """Whether policy and value stand on one trunk."""
        return self.value_trunk is self.policy_trunk

    def weights(self, dtype: torch.dtype) -> dict[str, Tensor]:
        """Copies of all parameters on the CPU; a shared trunk comes once, as `policy_trunk`."""
        return {
            name: parameter.detach().to("cpu", dtype, copy=True)
            for name, parameter in self.named_parameters()
        }

    def forward(self, obs: Tensor) -> tuple[Tensor, Tensor]:
        """uint8 [B, 120, 160] to (logits or means [B, num_outputs], values [B])."""
        images = obs.to(self.policy.weight.dtype if not torch.is_autocast_enabled("cpu") else torch.bfloat16)
        images = (images / 255).unsqueeze(1).contiguous(memory_format=torch.channels_last)
        features = self.policy_trunk(images)
        value_features = features if self.is_shared else self.value_trunk(images)
        return self.policy(features), self.value(value_features).squeeze(-1)
