"""What programs use of PyTorch's namespace, completed to the standard's meaning."""

import sys
from types import SimpleNamespace

import torch

from ..._math.log1p import log1p as arithmetic
from ..._math.ops import Ops
from ..._typing import Array
from ..compat import array_namespace

__all__ = [
    "abs",
    "astype",
    "clip",
    "exp",
    "floor",
    "full_like",
    "isnan",
    "log1p",
    "log1p_unit",
    "max",
    "minimum",
    "ones_like",
    "product_or_zero",
    "subtract",
    "sum",
    "take_along_axis",
    "where",
    "zero_if_infinite",
    "zeros_like",
]

xp = array_namespace(torch.empty(0, device="cpu"))
abs = xp.abs
astype = xp.astype
exp = xp.exp
floor = xp.floor
full_like = xp.full_like
isnan = xp.isnan
log1p = xp.log1p
max = xp.max
minimum = xp.minimum
ones_like = xp.ones_like
sum = xp.sum
where = xp.where
zeros_like = xp.zeros_like


def take_along_axis(x: Array, indices: Array, *, axis: int) -> Array:
    """Return the elements at the indices; `take_along_dim` would compile again for each size."""
    return torch.gather(x, axis, indices)


def clip(x: Array, low: int, high: int) -> Array:
    """Return the elements within the bounds, which under `torch.compile` may be symbols."""
    return torch.clamp(x, low, high)


def subtract(x: Array, top: Array) -> Array:
    """Return x - top, and 0 where x is the maximum, which Triton has rounded: as under JAX."""
    return (x + (top - top)) - top if torch.compiler.is_compiling() else x - top


_ops = Ops(sys.modules[__name__])
log1p_unit, zero_if_infinite = _ops.log1p_unit, _ops.zero_if_infinite
product_or_zero = _ops.product_or_zero


def _log1p(e: Array) -> Array:
    return arithmetic(e, single=e.dtype == torch.float32)


fused = SimpleNamespace(**{name: globals()[name] for name in __all__} | {"log1p_unit": _log1p})
"""The namespace for what ``torch.compile`` makes one loop of, on CPUs, and nobody differentiates:
`log1p_unit` takes a third of the time of the vector library that serves there."""
