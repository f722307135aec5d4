"""Log-probabilities, entropy and samples of the two kinds of policy, as functions of the head's output.

Discrete: softmax over actions. Continuous: a Normal around the output with a state-independent log-std,
on actions in [-1, 1] (rl_coach, ppo_head.py).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

_HALF_LOG_TWO_PI = 0.5 * math.log(2 * math.pi)
LOG_PROB_FLOOR = math.log(1e-8)  # rl_coach floors probabilities of discrete actions


def categorical(logits: Tensor, actions: Tensor) -> tuple[Tensor, Tensor]:
    """Log-probabilities [B] of actions [B] (int64) under logits [B, A], and entropies [B] in nats."""
    logprobs = F.log_softmax(logits, -1)
    entropy = -(logprobs.exp() * logprobs).sum(-1)
    taken = logprobs.gather(-1, actions.unsqueeze(-1)).squeeze(-1)
    return taken.clamp(min=LOG_PROB_FLOOR), entropy


def normal(means: Tensor, log_std: Tensor, actions: Tensor) -> tuple[Tensor, Tensor]:
    """Log-probabilities [B] of actions [B, D] under means [B, D] and log-std [1, D]; entropies [B]."""
    log_std = log_std.expand_as(means)
    z = (actions - means) / log_std.exp()
    logprobs = -(0.5 * z * z + log_std + _HALF_LOG_TWO_PI).sum(-1)
    entropy = (log_std + 0.5 + _HALF_LOG_TWO_PI).sum(-1)
    return logprobs, entropy


def sample_categorical(logits: Tensor, generator: torch.Generator) -> Tensor:
    """One action per row of logits [B, A]: int64 [B]."""
    return torch.multinomial(F.softmax(logits, -1), 1, generator=generator).squeeze(-1)


def sample_normal(means: Tensor, log_std: Tensor, generator: torch.Generator) -> Tensor:
    """One action per row of means [B, D]: float32 [B, D], unclipped."""
    noise = torch.randn(means.shape, generator=generator)
    return means + noise * log_std.exp()
