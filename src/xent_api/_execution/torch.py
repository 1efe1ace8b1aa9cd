"""PyTorch."""

import array_api_compat.torch as xp
import torch

from .._typing import Array, DType
from .direct import Backend


class TorchBackend(Backend):
    """Plain programs, which autograd and ``torch.compile`` see through."""

    def __init__(self) -> None:
        super().__init__(xp)

    def accumulator(self, like: Array) -> DType | None:
        """Return float64, which every device has but Apple's."""
        return None if like.device.type == "mps" else torch.float64
