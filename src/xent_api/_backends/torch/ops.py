"""PyTorch's primitives."""

import sys
from collections.abc import Callable

import torch

from ..._math.log1p import log1p
from ..._math.ops import DifferentiatedOps, LabelPlace
from ..._typing import Array
from ..compat import array_namespace

xp = array_namespace(torch.empty(0, device="cpu"))
FUNCTIONS = "abs astype exp floor full_like isnan log1p max minimum ones_like sum where zeros_like"


def is_distributed(x: Array) -> bool:
    """Tell whether a tensor lies on several devices; it has none where nobody has imported that."""
    distributed = sys.modules.get("torch.distributed.tensor")
    return distributed is not None and isinstance(x, distributed.DTensor)


class TorchOps(DifferentiatedOps):
    """For whatever autograd and the transformations of ``torch.func`` may differentiate."""

    def __init__(self) -> None:
        super().__init__(xp)
        for name in FUNCTIONS.split():  # found faster so, and by torch's compiler
            setattr(self, name, getattr(xp, name))

    def stop_gradient(self, x: Array) -> Array:
        """Return x as a constant for derivatives."""
        return x.detach()

    def take_label(self, x: Array, at: LabelPlace) -> Array:
        """Return x at the label; `take_along_dim` would compile again for each size.

        Of classes that are sharded over devices `gather` fails (pytorch 2.13, an assertion).
        """
        if is_distributed(x):
            return self.take_label_by_sum(x, at)
        return torch.gather(x, -1, torch.clamp(at.labels, 0, at.classes.shape[-1] - 1))

    def take_class(self, x: Array, at: LabelPlace) -> Array:
        """Return what one tensor for all rows has at the label; for no class that of another."""
        if is_distributed(x):
            return self.take_label_by_sum(x, at)
        return x[torch.clamp(at.labels, 0, x.shape[0] - 1)]

    def zero_at_label(self, x: Array, at: LabelPlace) -> Array:
        """Return x with 0 at the label."""
        return self._laid_out(x, super().zero_at_label(x, at))

    def set_at_label(self, x: Array, at: LabelPlace, value: Array) -> Array:
        """Return x with a value of each row at its label."""
        return self._laid_out(x, super().set_at_label(x, at, value))

    def _laid_out(self, x: Array, value: Array) -> Array:
        """Return the value in the layout of x; `where` gives that of its condition."""
        return value if x.is_contiguous() else self.zeros_like(x) + value

    def for_sending(self, x: Array) -> Array:
        """Return x without gaps; process groups take nothing else."""
        return x.contiguous()

    def divided_by(self, x: Array, number: float) -> Array:
        """Return x / number; the kernels of CPUs divide by it."""
        eager = x.is_cpu and not torch.compiler.is_compiling()
        return x / number if eager else super().divided_by(x, number)

    def shift(self, x: Array, m: Array) -> Array:
        """Return x - m, and 0 where x is the maximum, which Triton has rounded: as under JAX."""
        return (x + (m - m)) - m if torch.compiler.is_compiling() else x - m


class FinalOps(TorchOps):
    """For what ``torch.compile`` makes one loop of, and nobody differentiates."""

    def constant_unless(self, x: Array, varies: Callable[[], Array]) -> Array:
        """Return x."""
        return x

    def exp_neg_abs(self, x: Array, sign: Array) -> Array:
        """Return exp(-abs(x)), which need not wait for the sign."""
        return self.exp(-self.abs(x))

    def log1p_unit(self, e: Array) -> Array:
        """Return log(1 + e) in arithmetic, on CPUs.

        That takes a third of the time of the vector library that serves there.
        """
        if e.device.type != "cpu":
            return self.log1p(e)
        return log1p(e, single=e.dtype == torch.float32)


OPS, FINAL_OPS = TorchOps(), FinalOps()
