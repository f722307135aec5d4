"""Adam (arXiv:1412.6980) on torch's fused kernel. Importing `torch.optim` loads torch's compiler and takes 0.9 s."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

BETA_1, BETA_2 = 0.9, 0.999


class Adam:
    """Updates parameters from their gradients; every step needs a gradient for every parameter."""

    def __init__(self, parameters: Iterable[Tensor], lr: float, eps: float) -> None:
        self._parameters = list(parameters)
        self._lr, self._eps = lr, eps
        self._means, self._squares = ([torch.zeros_like(p) for p in self._parameters] for _ in range(2))
        self._steps = [torch.zeros((), device=p.device) for p in self._parameters]

    def zero_grad(self) -> None:
        """Clear all gradients."""
        for parameter in self._parameters:
            parameter.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """Apply one update."""
        torch._foreach_add_(self._steps, 1)
        torch._fused_adam_(
            self._parameters,
            [parameter.grad for parameter in self._parameters],  # type: ignore[misc]
            self._means,
            self._squares,
            [],
            self._steps,
            lr=self._lr,
            beta1=BETA_1,
            beta2=BETA_2,
            weight_decay=0.0,
            eps=self._eps,
            amsgrad=False,
            maximize=False,
        )
