"""Adam (arXiv:1412.6980) on torch's fused kernel. Importing `torch.optim` loads torch's compiler and takes 0.9 s."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

BETA_1, BETA_2 = 0.9, 0.999


class Adam:
    """Updates parameters from their gradients; every step needs a gradient for every parameter.

    lr: the learning rate; may be changed between steps.
    """

    def __init__(self, parameters: Iterable[Tensor], lr: float, eps: float) -> None:
        self._parameters = list(parameters)
        self.lr, self._eps = lr, eps
        self._means, self._squares = ([torch.zeros_like(p) for p in self._parameters] for _ in range(2))
        self._steps = [torch.zeros((), device=p.device) for p in self._parameters]

    def state(self) -> dict[str, Tensor]:
        """The moments of all parameters, as two flat tensors, and the number of steps.

        They are rounded to bfloat16, a quarter of the size of what they belong to: no step depends on more.
        """
        flat = (torch.cat([part.flatten() for part in parts]) for parts in (self._means, self._squares))
        means, squares = (part.to("cpu", torch.bfloat16) for part in flat)
        return {"adam_means": means, "adam_squares": squares, "adam_steps": self._steps[0].cpu().clone()}

    @torch.no_grad()
    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Restore `state`; without one, or with that of another network, start afresh."""
        sizes = [part.numel() for part in self._parameters]
        is_whole = state.keys() >= {"adam_means", "adam_squares", "adam_steps"}
        if not is_whole or len(state["adam_means"]) != sum(sizes):
            return
        for name, parts in (("adam_means", self._means), ("adam_squares", self._squares)):
            for part, stored in zip(parts, torch.split(state[name], sizes), strict=True):
                part.copy_(stored.view_as(part))
        for step in self._steps:
            step.fill_(float(state["adam_steps"]))

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
            lr=self.lr,
            beta1=BETA_1,
            beta2=BETA_2,
            weight_decay=0.0,
            eps=self._eps,
            amsgrad=False,
            maximize=False,
        )
