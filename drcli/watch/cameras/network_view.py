"""What the network of the last checkpoint makes of a state: its actions, how probable each is, where it looks.

torch is imported with the first question. The worker itself may drive with a policy that is an iteration newer.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from drcli.config.model_metadata import ModelMetadata
from drcli.contract.keys import ModelKeys
from drcli.contract.live_state import LiveState
from drcli.errors import DrError
from drcli.services.shared.environment import Environment
from drcli.store.checkpoints import choose_checkpoint
from drcli.store.client import Bucket

if TYPE_CHECKING:
    from torch import Tensor

    from drcli.train.model import ModelSpec
    from drcli.train.network import PolicyNetwork

_REFRESH_S = 15.0
_DRAWS = 64


@dataclass(frozen=True)
class Opinion:
    """A list of actions with their probabilities; or mean and standard deviation of steering (degrees) and speed."""

    actions: tuple[str, ...] | None = None
    probabilities: tuple[float, ...] | None = None
    mean: tuple[float, float] | None = None
    std: tuple[float, float] | None = None


class NetworkView:
    """The network of the run's model, of its last checkpoint; looked for again every quarter of a minute."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._lock = threading.Lock()
        self._looked = -_REFRESH_S
        self._name = ""
        self._metadata: ModelMetadata | None = None
        self._model: ModelSpec | None = None
        self._network: PolicyNetwork | None = None

    def opinion(self, state: LiveState) -> Opinion:
        """What it would do; empty without a checkpoint, and for another model of a race."""
        with self._lock:
            network = self._current()
            if network is None or self._model is None or self._metadata is None or self._is_other(state):
                return Opinion()
            import torch

            with torch.no_grad():
                outputs = network.policy_outputs(_tensors(state))
                if self._metadata.discrete is not None:
                    actions = tuple(
                        f"steering {each.steering_angle_deg:g}°, {each.speed_mps:g} m/s"
                        for each in self._metadata.discrete
                    )
                    return Opinion(actions, tuple(torch.softmax(outputs[0].float(), -1).tolist()))
                drawn = network.policy.distribution(outputs.expand(_DRAWS, -1)).sample(torch.Generator())
            commands = self._model.head.commands(drawn.numpy())
            both = np.stack([commands.steering_deg, commands.speed_mps])
            mean, std = both.mean(1).tolist(), both.std(1).tolist()
            return Opinion(mean=(mean[0], mean[1]), std=(std[0], std[1]))

    def attention(self, state: LiveState) -> npt.NDArray[np.float32] | None:
        """Where it looks, 0 to 1, `[height, width]` of its last convolution (Selvaraju et al. 2017, Grad-CAM)."""
        with self._lock:
            network = self._current()
            if network is None or self._is_other(state):
                return None
            import torch

            convolutions = [m for m in network.policy_trunk.modules() if isinstance(m, torch.nn.Conv2d)]
            if not convolutions:
                return None
            kept: list[Tensor] = []
            hook = convolutions[-1].register_forward_hook(lambda _, inputs, output: kept.append(output))
            try:
                with torch.enable_grad():
                    score = network.policy_outputs(_tensors(state)).max()
                    (slope,) = torch.autograd.grad(score, kept[0])
            finally:
                hook.remove()
            heat = (slope.mean((2, 3), keepdim=True) * kept[0]).sum(1)[0].clamp(min=0).detach().float()
            scaled: npt.NDArray[np.float32] = (heat / heat.max().clamp(min=1e-9)).numpy()
            return scaled

    @staticmethod
    def _is_other(state: LiveState) -> bool:
        return state.cars[state.car].place != 0

    def _current(self) -> PolicyNetwork | None:
        if time.monotonic() - self._looked < _REFRESH_S:
            return self._network
        self._looked = time.monotonic()
        try:
            self._load()
        except DrError:
            return self._network
        return self._network

    def _load(self) -> None:
        bucket, keys = Bucket(self._environment.store), ModelKeys(self._environment.prefix)
        chosen = choose_checkpoint(bucket, keys, "last")
        if str(chosen.name) == self._name:
            return
        key = keys.model_metadata
        metadata = ModelMetadata.parse(bucket.get(key).decode(), key)
        files: Any = chosen.read(bucket)
        if files is None:
            return
        import torch

        from drcli.train.algorithms.algorithm import algorithm_of
        from drcli.train.checkpoint_formats import read_weights
        from drcli.train.model import ModelSpec

        torch.set_num_threads(1)
        model = ModelSpec.of(metadata)
        self._network = algorithm_of(metadata).network(model, read_weights(files, str(chosen.name)).variables)
        self._metadata, self._model, self._name = metadata, model, str(chosen.name)


def _tensors(state: LiveState) -> dict[str, Tensor]:
    import torch

    return {
        name: torch.from_numpy(np.frombuffer(r.data, r.dtype).reshape(1, *r.shape).copy())
        for name, r in state.readings.items()
    }
