"""Which device and number format to compute with, and how many threads."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Hardware:
    """device: cuda when there is one; dtype: bfloat16 where the processor multiplies it natively."""

    device: torch.device
    dtype: torch.dtype

    @classmethod
    def detect(cls, use_cuda: bool = True) -> Hardware:
        """The best of this machine. bfloat16 halves the time of convolutions where it is native."""
        if use_cuda and torch.cuda.is_available():
            return cls(torch.device("cuda"), torch.bfloat16)
        has_bf16 = _has("_is_avx512_bf16_supported") or _has("_is_amx_tile_supported")
        return cls(torch.device("cpu"), torch.bfloat16 if has_bf16 else torch.float32)

    @classmethod
    def exact(cls) -> Hardware:
        """float32 on the CPU, for networks whose matrices are too small for anything else."""
        return cls(torch.device("cpu"), torch.float32)

    def autocast(self) -> AbstractContextManager[object]:
        """A context in which learning computes in `dtype`."""
        if self.dtype is torch.float32:
            return nullcontext()
        return torch.autocast(self.device.type, self.dtype)

    def __str__(self) -> str:
        name = torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else "cpu"
        return f"{name}, {str(self.dtype).removeprefix('torch.')}, {torch.get_num_threads()} threads"


def _has(feature: str) -> bool:
    """Processor features that torch reports; a torch without the question counts as no."""
    question = getattr(torch.cpu, feature, None)
    return bool(question and question())
