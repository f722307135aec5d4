"""How the student learns: while it drives itself, the teacher says what it would have done there.

This is DAgger (Ross et al. 2011, arXiv:1011.0686) with the teacher's whole distribution as the label, and without a
buffer: every picture is learned from once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.utils import get_total_norm

from drcli.config.hyperparameters import Hyperparameters
from drcli.errors import DrError
from drcli.train.adam import Adam
from drcli.train.guided.camera_embedder import has_camera_embedder
from drcli.train.guided.schooling import USUAL, Schooling
from drcli.train.hardware import Hardware
from drcli.train.heads.head import Distribution
from drcli.train.network import PolicyNetwork
from drcli.train.rollout import Rollout, flat_index

Mirror = Callable[[NDArray[Any]], NDArray[Any]]
ADAM_EPS = 1e-5
MOST_POWER = 16.0  # to sharpen a teacher's labels
KEPT_RATE = 2.0  # of the layers behind embedders that are kept: what these layers see does not change
HALF_RATE_AFTER, LEAST_SHARE = 128, 0.2  # of the learning rate, after the samples for which it is whole


class ImitationLearner:
    """Owns the student's optimizer. The value network is left alone: nobody needs it before PPO goes on.

    mirrors: of all sensors, what exchanges left and right. With them a student learns bends of the kind that its track
    has few of from those of the other kind.
    schooling: how long and how closely it is taught.
    """

    def __init__(
        self,
        network: PolicyNetwork,
        hyperparameters: Hyperparameters,
        hardware: Hardware,
        seed: int,
        mirrors: Mapping[str, Mirror] | None = None,
        schooling: Schooling = USUAL,
    ) -> None:
        self._mirrors = mirrors
        self._schooling = schooling
        self._keeps_embedders = schooling.keeps_embedders and has_camera_embedder(network)
        self.network = network.to(hardware.device)
        self._hardware = hardware
        self._batch_size = min(hyperparameters.batch_size, schooling.largest_batch)
        self._lr = hyperparameters.lr * (KEPT_RATE if self._keeps_embedders else 1.0)
        self._rng = np.random.default_rng(seed)
        self._recent: deque[tuple[float, float]] = deque(maxlen=schooling.blind_for)
        trunk = network.policy_trunk.middleware if self._keeps_embedders else network.policy_trunk
        learned = [*trunk.parameters(), *network.policy.layer_parameters()]
        self._optimizer = Adam(learned, hyperparameters.lr, ADAM_EPS)

    def learn(self, rollouts: Sequence[Rollout], teacher: PolicyNetwork, samples: int) -> float:
        """One step for each batch of fresh samples. Returns the mean divergence from the teacher, in nats.

        samples: how many it has learned from before.

        Raises:
            DrError: the training has diverged.
        """
        self.network.policy.copy_free_variables(teacher.policy)
        self._optimizer.lr = self._lr * rate_share(samples, self._schooling.whole_rate_for)
        index = [flat_index(rollout) for rollout in rollouts]
        obs = {
            name: np.concatenate([r.obs[name][at] for r, at in zip(rollouts, index, strict=True)])
            for name in rollouts[0].obs
        }
        num_samples = sum(len(steps) for steps, _ in index)
        self._mirror_some(obs, num_samples)
        order = self._rng.permutation(num_samples)
        wanted, told = _labels(teacher, obs, self._schooling.told_nats)
        gaps = [
            self._step({name: part[batch] for name, part in obs.items()}, wanted(batch))
            for batch in np.array_split(order, max(1, round(num_samples / self._batch_size)))
        ]
        gap = torch.stack(gaps).mean().item()
        self._recent.append((gap, told))
        if not (np.isfinite(gap) and get_total_norm(self.network.parameters()).isfinite()):
            raise DrError(
                "The training has diverged: its loss or its weights are no longer numbers.",
                "Lower `lr` in hyperparameters.json.",
            )
        return gap

    @property
    def blindness(self) -> float:
        """Its divergence from the teacher over that of the best policy that looks at nothing: 1 down to 0."""
        gaps, told = (sum(column) for column in zip(*self._recent, strict=True))
        return float(gaps / max(told, 1e-6))

    def state(self) -> dict[str, Tensor]:
        """The state of the optimizer, for a resumed run."""
        return self._optimizer.state()

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Restore `state`."""
        self._optimizer.load_state(state)

    def _mirror_some(self, obs: Mapping[str, np.ndarray], num_samples: int) -> None:
        """Exchange left and right in half of the observations; the teacher says what it would do there, too."""
        if self._mirrors is not None:
            chosen = self._rng.random(num_samples) < 0.5
            for name, seen in obs.items():
                seen[chosen] = self._mirrors[name](seen[chosen])

    def _step(self, obs: Mapping[str, np.ndarray], wanted: Distribution) -> Tensor:
        seen = {name: torch.from_numpy(part).to(self._hardware.device) for name, part in obs.items()}
        with self._hardware.autocast():
            outputs = self.network.policy_outputs(seen, keeps_embedders=self._keeps_embedders)
        gap = self.network.policy.distribution(outputs.float().cpu()).divergence_from(wanted).mean()
        self._optimizer.zero_grad()
        gap.backward()  # type: ignore[no-untyped-call]
        self._optimizer.step()
        return gap.detach()


@torch.no_grad()
def _labels(
    teacher: PolicyNetwork, obs: Mapping[str, np.ndarray], least_told_nats: float
) -> tuple[Callable[[NDArray[np.int64]], Distribution], float]:
    """What the teacher would do, for any of the observations, and how many nats that tells about them."""
    outputs = teacher.policy_outputs({name: torch.from_numpy(part) for name, part in obs.items()})
    everything, power = teacher.policy.distribution(outputs), 1.0
    told = _told(everything)
    while told < least_told_nats and power < MOST_POWER:
        power *= 1.25
        told = _told(everything.sharpened(power))
    return lambda batch: teacher.policy.distribution(outputs[batch]).sharpened(power), told


def _told(distribution: Distribution) -> float:
    return float(distribution.averaged().divergence_from(distribution).mean())


def rate_share(samples: int, whole_for: int = USUAL.whole_rate_for) -> float:
    """The share of the learning rate after a number of samples; it is whole for the first `whole_for`."""
    return max(LEAST_SHARE, 1 / (1 + max(0, samples - whole_for) / HALF_RATE_AFTER))
