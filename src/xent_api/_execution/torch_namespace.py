"""What programs use of PyTorch's namespace, completed to the standard's meaning."""

import torch
from array_api_compat.torch import (
    abs,
    astype,
    exp,
    floor,
    full_like,
    isnan,
    log1p,
    max,
    minimum,
    ones_like,
    sum,
    where,
    zeros_like,
)

from .._typing import Array

__all__ = [
    "abs",
    "astype",
    "clip",
    "exp",
    "floor",
    "full_like",
    "isnan",
    "log1p",
    "max",
    "minimum",
    "ones_like",
    "subtract",
    "sum",
    "take_along_axis",
    "where",
    "zeros_like",
]


def take_along_axis(x: Array, indices: Array, *, axis: int) -> Array:
    """Return the elements at the indices; `take_along_dim` would compile again for each size."""
    return torch.gather(x, axis, indices)


def clip(x: Array, low: int, high: int) -> Array:
    """Return the elements within the bounds, which under `torch.compile` may be symbols."""
    return torch.clamp(x, low, high)


def subtract(x: Array, top: Array) -> Array:
    """Return x - top, and 0 where x is the maximum, which Triton has rounded: as under JAX."""
    return (x + (top - top)) - top if torch.compiler.is_compiling() else x - top
